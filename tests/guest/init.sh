#!/bin/bash
# init.sh: the first process of the guest. Makes it a machine that tests can run on, runs what /work/command says, leaves the exit code in
# /work/exit-code and switches the machine off. The kernel's words go to the first serial line, what the tests say to the second.
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
end() {
    sync
    echo o > /proc/sysrq-trigger
    sleep 60
}

mount -t proc proc /proc
mount -t sysfs sys /sys
grep -q " /dev devtmpfs " /proc/mounts || mount -t devtmpfs dev /dev
exec > /dev/ttyS1 2>&1 < /dev/null
stty -F /dev/ttyS1 raw
mkdir -p /dev/pts /dev/shm
mount -t devpts devpts /dev/pts
mount -t tmpfs tmpfs /dev/shm
mount -t tmpfs tmpfs /run
mount -t cgroup2 cgroup /sys/fs/cgroup
mount -t virtiofs -o ro dotnet /usr/share/dotnet || end
mount -t virtiofs work /work || end
modprobe -a virtio_blk loop overlay ext4 xfs btrfs quota_v2 zfs || end

# What is written goes to the second disk; the guest's own root directory stays as it was built.
mkfs.ext4 -q -F /dev/vda || end
mount -t ext4 /dev/vda /mnt
mkdir -p /mnt/upper /mnt/work /mnt/tmp
mount -t overlay -o lowerdir=/,upperdir=/mnt/upper,workdir=/mnt/work root /newroot || end
for place in proc sys dev run lamina usr/share/dotnet work; do mount --rbind "/$place" "/newroot/$place"; done
# No overlay on an overlay: the tests' scratch is the disk itself.
chmod 1777 /mnt/tmp
mount --bind /mnt/tmp /newroot/var/tmp
mount --bind /mnt/tmp /newroot/tmp

# A root of a mount tree, as on any machine, and not a chroot in one.
cd /newroot
pivot_root . mnt
exec /bin/bash -c '
    cd /
    umount -l /mnt
    hostname guest
    ip link set lo up
    /lib/systemd/systemd-udevd --daemon
    udevadm trigger --action=add
    udevadm settle
    cd /lamina
    echo "Guest: Linux $(uname -r), OpenZFS $(cat /sys/module/zfs/version), up for $(cut -d" " -f1 /proc/uptime) s"
    bash /work/command
    echo $? > /work/exit-code
    sync
    echo o > /proc/sysrq-trigger
    sleep 60'
