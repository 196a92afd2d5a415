# Two commands do everything on a fresh Debian with the .NET 10 SDK:
#   make run    the daemon on its embedded default pool, with a real PostgreSQL living through a snapshot and a disaster
#   make test   every test, on real filesystems
# Others: make build, make benchmark, make soak, make manifests, make image, make clean, and
#   make test-cluster what is told a Kubernetes cluster, against a real one that KUBECONFIG names, and
#   make test-guest   what this host's kernel may lack (ZFS, project quotas), in an emulated guest that is built once: ten minutes and more

CONFIGURATION ?= Release
LAMINA := artifacts/bin/Lamina/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/lamina
export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

.PHONY: run test test-cluster test-guest soak benchmark build image manifests install-run install-test install-test-guest install-manifests check-host clean

# A process group of its own on a terminal: Ctrl-C is the proper end of the main job, and must not end make beside it.
run: check-host install-run build
	@bash -c 'test ! -t 0 || set -m; "$$0" "$$@"; exit $$?' deploy/demo/main-job.sh $(LAMINA)

test: check-host install-test build
	@dotnet artifacts/bin/Lamina.TestRun/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Lamina.TestRun.dll $(TESTRUN)

# The long versions of the random tests.
soak: check-host install-test build
	@LAMINA_SOAK=1 dotnet artifacts/bin/Lamina.TestRun/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Lamina.TestRun.dll $(TESTRUN)

# What the daemon tells a cluster: against a fake API server, and against the real one that KUBECONFIG names, in a namespace that is made for it and goes in the end.
test-cluster: check-host install-test build
	@LAMINA_CLUSTER_TEST=1 artifacts/bin/Lamina.Tests/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Lamina.Tests --filter-namespace Lamina.Tests.Cluster

# TESTRUN may name what is run: TESTRUN="Lamina.Storage.Tests --filter-class *Zfs*"
test-guest: check-host install-test-guest build
	@set -f; CONFIGURATION=$(CONFIGURATION) tests/guest/run.sh $(TESTRUN)

benchmark: check-host install-test build
	@dotnet artifacts/bin/Lamina.Benchmarks/$(shell echo $(CONFIGURATION) | tr A-Z a-z)/Lamina.Benchmarks.dll

build:
	@dotnet build Csi.sln --configuration $(CONFIGURATION) --verbosity quiet --nologo

# The container image for Kubernetes, by the Docker that is installed, or that DOCKER_HOST names. IMAGE and BASE may name others, and DOCKER_BUILD has more
# for 'docker build'. It is for machines like this one, and so is the base that Docker takes.
VERSION := $(shell sed -n 's|.*<VersionPrefix>\(.*\)</VersionPrefix>.*|\1|p' Directory.Build.props)
IMAGE ?= lamina:$(VERSION)
BASE ?= debian:bookworm-slim
RUNTIME := $(if $(filter aarch64 arm64,$(shell uname -m)),linux-arm64,linux-x64)
image:
	@rm -rf artifacts/image
	@dotnet publish src/Lamina --configuration Release --runtime $(RUNTIME) --self-contained -p:PublishReadyToRun=true --output artifacts/image/lamina --verbosity quiet --nologo
	@docker build --file deploy/image/Dockerfile --build-arg BASE=$(BASE) --build-arg VERSION=$(VERSION) \
		--build-arg REVISION=$$(git rev-parse --verify --quiet HEAD || echo unknown) --tag $(IMAGE) $(DOCKER_BUILD) artifacts/image

# deploy/kubernetes/lamina.yaml, from the Helm chart; and what the chart has of deploy/monitoring, as Helm reads nothing outside of a chart.
manifests: check-host install-manifests
	@mkdir -p artifacts helm/lamina/files
	@cp deploy/monitoring/alerts.yaml deploy/monitoring/dashboard.json helm/lamina/files/
	@tests/chart-renderer/build.sh "$(CURDIR)/artifacts/chart-renderer"
	@artifacts/chart-renderer manifests helm/lamina lamina lamina -f deploy/kubernetes/values.yaml > artifacts/lamina.yaml
	@mv artifacts/lamina.yaml deploy/kubernetes/lamina.yaml

install-run:
	@deploy/demo/install-packages.sh postgresql

install-test:
	@deploy/demo/install-packages.sh postgresql btrfs-progs xfsprogs e2fsprogs python3 docker.io busybox-static podman conmon runc debootstrap golang-go golang-github-masterminds-sprig-dev zfs-fuse prometheus

install-manifests:
	@deploy/demo/install-packages.sh golang-go golang-github-masterminds-sprig-dev

# On Debian 12 virtiofsd comes with qemu, later by itself.
install-test-guest:
	@deploy/demo/install-packages.sh qemu-system-x86 debootstrap util-linux $$(. /etc/os-release; [ "$$VERSION_ID" = 12 ] || echo virtiofsd)

check-host:
	@test "$$(id -u)" = 0 || { echo "Lamina mounts filesystems, which only root may do: sudo make $(MAKECMDGOALS)"; exit 1; }
	@command -v dotnet >/dev/null || { echo "The .NET 10 SDK is missing: https://dotnet.microsoft.com/download"; exit 1; }

clean:
	@rm -rf artifacts
