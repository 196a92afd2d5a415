#!/bin/bash
# record-zfs.sh: has the guest's OpenZFS refuse what the product must understand, and writes what was asked and what was said, for
# tests/Lamina.Storage.Tests/Pools/Zfs/openzfs-2.3.dialogue:
#   tests/guest/run.sh --shell 'tests/guest/record-zfs.sh' | sed -n '/^#/,$p'
# Before each refusal stands what it is to the domain (StorageError, and "transient" where the same may succeed in a moment); "$" begins a command, "1" and "2" a line
# of its output or its errors, "=" its exit code.
set -u
scratch=$(mktemp -d /var/tmp/record.XXXXXX)
truncate -s 512M "$scratch/disk"
pool=tank

# Not recorded, and must succeed.
quietly() { "$@" > "$scratch/quiet" 2>&1 < /dev/null || echo "record-zfs.sh: '$*' failed: $(cat "$scratch/quiet")"; }

# record EXPECTED COMMAND...; what standard input is comes from the caller.
record() {
    local expected=$1 code=0
    shift
    "$@" > "$scratch/out" 2> "$scratch/err" || code=$?
    echo "# $expected"
    echo "\$ $*" | sed "s|$scratch|/mnt|g"
    sed "s/^/1 /; s|$scratch|/mnt|g" "$scratch/out"
    sed "s/^/2 /; s|$scratch|/mnt|g" "$scratch/err"
    echo "= $code"
}
refused() { local expected=$1; shift; record "$expected" "$@" < /dev/null; }
answered() { record answer "$@" < /dev/null; }

answered zfs version
quietly zpool create -m none -o cachefile=none $pool "$scratch/disk"
quietly zfs create -o mountpoint=none -o canmount=off $pool/lamina
answered zpool list -H -o health $pool
answered zpool list -Hp -o health,fragmentation $pool

# Names.
quietly zfs create -o mountpoint="$scratch/a" -o canmount=noauto $pool/lamina/a
refused AlreadyExists zfs create $pool/lamina/a
refused AlreadyExists zfs create -V 16M $pool/lamina/a
refused NotFound zfs create $pool/lamina/no/parent
refused NotFound zfs get -Hp -o value type $pool/lamina/nothing
refused NotFound zfs get -Hp -o value type $pool/lamina/a@nothing
refused NotFound zfs rename $pool/lamina/nothing $pool/lamina/other
refused NotFound zfs destroy $pool/lamina/nothing
refused NotFound zfs destroy $pool/lamina/a@nothing
refused NotFound zfs snapshot $pool/lamina/nothing@s
refused NotFound zfs clone $pool/lamina/a@nothing $pool/lamina/b
refused NotFound zfs set refquota=1G $pool/lamina/nothing
refused NotFound zfs get -Hp -o value type nopool/lamina
refused Unavailable zpool list -H -o health nopool
refused InvalidArgument zfs create "$pool/lamina/$(printf 'x%.0s' {1..256})" | sed -E 's/x{100,}/xxx/g'
refused InvalidArgument zfs create "$pool/lamina/a%b"

# Several in one command, and what it says of them.
quietly zfs create -o canmount=noauto -o mountpoint=none -o lamina:volume=a $pool/lamina/g1
quietly zfs create -o canmount=noauto -o mountpoint=none -o lamina:volume=b $pool/lamina/g2
answered zfs snapshot -o "lamina:group={ \"of\": [ 'two' ] }" $pool/lamina/g1@x $pool/lamina/g2@y
answered zfs set lamina:cut=now $pool/lamina/g1@x
answered zfs set refquota=33554432 refreservation=33554432 compression=gzip recordsize=8192 atime=off logbias=throughput $pool/lamina/g1
answered zfs clone -o canmount=noauto -o mountpoint=none -o refquota=33554432 -o lamina:volume=c $pool/lamina/g1@x $pool/lamina/g3
answered zfs rename $pool/lamina/g1@x $pool/lamina/g1@trash.x
answered zfs rename $pool/lamina/g1 $pool/lamina/g4
answered zfs promote $pool/lamina/g3
answered zfs rollback $pool/lamina/g3@trash.x
wanted=type,origin,userrefs,used,available,referenced,refquota,refreservation,compression,recordsize,written,logicalused,lamina:volume,lamina:group,lamina:cut
answered zfs get -Hp -r -o name,property,value,source $wanted $pool/lamina/g3
answered zfs get -Hp -o name,property,value,source origin,lamina:volume $pool/lamina/g4

# Snapshots and clones.
quietly zfs snapshot $pool/lamina/a@s
refused AlreadyExists zfs snapshot $pool/lamina/a@s
quietly zfs create -o mountpoint=none $pool/lamina/b
refused AlreadyExists zfs snapshot $pool/lamina/b@new $pool/lamina/a@s
answered zfs get -Hp -o name,property,value,source type $pool/lamina/b
quietly zfs clone -o canmount=off $pool/lamina/a@s $pool/lamina/c
refused AlreadyExists zfs clone $pool/lamina/a@s $pool/lamina/c
refused FailedPrecondition zfs destroy $pool/lamina/a@s
refused FailedPrecondition zfs destroy $pool/lamina/a
refused FailedPrecondition zfs destroy $pool/lamina
quietly zfs snapshot $pool/lamina/c@t
quietly zfs snapshot $pool/lamina/a@t
refused FailedPrecondition zfs rollback $pool/lamina/a@s
refused FailedPrecondition zfs promote $pool/lamina/a
quietly zfs destroy $pool/lamina/a@t
quietly zfs destroy $pool/lamina/c@t
quietly zfs snapshot $pool/lamina/c@s
refused FailedPrecondition zfs promote $pool/lamina/c
quietly zfs hold keep $pool/lamina/c@s
refused FailedPrecondition zfs destroy $pool/lamina/c@s
quietly zfs release keep $pool/lamina/c@s
quietly zfs destroy -r $pool/lamina/c

# Mounts.
mkdir "$scratch/a"
quietly zfs mount $pool/lamina/a
refused FailedPrecondition zfs mount $pool/lamina/a
exec 9> "$scratch/a/open"
quietly zfs destroy $pool/lamina/a@s
refused "FailedPrecondition transient" zfs unmount $pool/lamina/a
refused "FailedPrecondition transient" zfs destroy $pool/lamina/a
refused "FailedPrecondition transient" zfs set mountpoint="$scratch/elsewhere" $pool/lamina/a
exec 9>&-
quietly zfs unmount $pool/lamina/a
touch "$scratch/a/something"
answered zfs mount $pool/lamina/a
umount "$scratch/a" 2> /dev/null

# Space.
quietly mount -t zfs -o zfsutil $pool/lamina/a "$scratch/a"
quietly dd if=/dev/urandom of="$scratch/a/data" bs=1M count=32 conv=fsync
quietly zpool sync $pool
refused OutOfRange zfs set refquota=1M $pool/lamina/a
refused OutOfRange zfs set quota=1M $pool/lamina/a
refused ResourceExhausted zfs set refreservation=1T $pool/lamina/b
refused ResourceExhausted zfs create -o refreservation=1T $pool/lamina/e
quietly umount "$scratch/a"

# Values.
refused InvalidArgument zfs set compression=nonsense $pool/lamina/a
refused InvalidArgument zfs set recordsize=3000 $pool/lamina/a
refused InvalidArgument zfs set recordsize=32M $pool/lamina/a
refused InvalidArgument zfs set nonsense=1 $pool/lamina/a
refused InvalidArgument zfs set "lamina:long=$(printf 'x%.0s' {1..8200})" $pool/lamina/a | sed -E 's/x{100,}/xxx/g'
refused InvalidArgument zfs create -o volblocksize=16K $pool/lamina/e

# Devices.
answered zfs create -s -V 1000 $pool/lamina/rounded
answered zfs get -Hp -o name,property,value,source volsize $pool/lamina/rounded
refused ResourceExhausted zfs create -V 1T $pool/lamina/z
refused InvalidArgument zfs create -V 16M -o volblocksize=3K $pool/lamina/z
quietly zfs create -s -V 16M -o volblocksize=16K -o snapdev=hidden $pool/lamina/z
answered zfs get -Hp -o name,property,value,source type,volsize,volblocksize,refreservation,used,referenced,logicalused,written $pool/lamina/z
refused InvalidArgument zfs set volblocksize=8K $pool/lamina/z
refused InvalidArgument zfs set volsize=1000 $pool/lamina/z
refused InvalidArgument zfs set refquota=16M $pool/lamina/z
refused InvalidArgument zfs set recordsize=16K $pool/lamina/z
for i in {1..100}; do [ ! -b /dev/zvol/$pool/lamina/z ] || break; sleep 0.1; done
echo "# answer"
echo "\$ ls -l /dev/zvol/$pool/lamina/z"
echo "1 $(readlink "/dev/zvol/$pool/lamina/z" | sed 's/zd[0-9]*/zdN/')"
echo "= 0"
exec 9< /dev/zvol/$pool/lamina/z
refused "FailedPrecondition transient" zfs destroy $pool/lamina/z
exec 9<&-
quietly udevadm settle
quietly zfs snapshot $pool/lamina/z@s
quietly zfs clone $pool/lamina/z@s $pool/lamina/y
answered zfs get -Hp -o name,property,value,source volsize,volblocksize,refreservation,origin $pool/lamina/y
answered zfs create -s -V 16M -o volblocksize=4K -o volmode=dev -o snapdev=hidden $pool/lamina/x
answered zfs snapshot -o lamina:group=both $pool/lamina/z@both $pool/lamina/a@both
answered zfs clone -o volsize=33554432 -o refreservation=auto -o volmode=dev -o snapdev=hidden -o lamina:volume=w $pool/lamina/z@both $pool/lamina/w
answered zfs set volsize=67108864 refreservation=auto $pool/lamina/w
answered zfs get -Hp -o name,property,value,source type,volsize,volblocksize,refreservation,volmode,snapdev,origin,lamina:volume $pool/lamina/w
refused ResourceExhausted zfs set volsize=1T refreservation=auto $pool/lamina/w
refused ResourceExhausted zfs clone -o volsize=1T -o refreservation=auto $pool/lamina/z@both $pool/lamina/v

# Encryption. A copy has the key of what it was made from, and can't leave its parent.
key=(-o keyformat=passphrase -o keylocation=prompt)
new=(-o encryption=aes-256-gcm "${key[@]}" -o canmount=noauto -o mountpoint="$scratch/a")
for parent in volumes trash; do quietly zfs create -o mountpoint=none -o canmount=off $pool/$parent; done
printf 'short' | record InvalidArgument zfs create "${new[@]}" $pool/volumes/e
refused InvalidArgument zfs create "${new[@]}" $pool/volumes/e
printf 'long enough' | record answer zfs create "${new[@]}" $pool/volumes/e
answered zfs get -Hp -o name,property,value,source encryption,keyformat,keylocation,keystatus,encryptionroot $pool/volumes/e
answered zfs get -Hp -o name,property,value,source encryptionroot,keystatus $pool/lamina/a
quietly zfs snapshot $pool/volumes/e@s
printf 'long enough' | record AlreadyExists zfs load-key $pool/volumes/e
printf 'long enough' | record answer zfs load-key -n $pool/volumes/e
printf 'wrong enough' | record InvalidArgument zfs load-key -n $pool/volumes/e
answered zfs unload-key $pool/volumes/e
refused NotFound zfs unload-key $pool/volumes/e
refused FailedPrecondition zfs mount $pool/volumes/e
answered zfs clone -o canmount=noauto -o mountpoint=none $pool/volumes/e@s $pool/volumes/f
answered zfs snapshot $pool/volumes/e@locked
answered zfs rollback $pool/volumes/e@locked
answered zfs set lamina:volume=x refquota=16777216 $pool/volumes/e
printf 'long enough' | record FailedPrecondition zfs load-key $pool/volumes/f
printf 'wrong enough' | record InvalidArgument zfs load-key $pool/volumes/e
printf 'long enough' | record answer zfs load-key $pool/volumes/e
answered zfs get -Hp -o name,property,value,source encryptionroot,keystatus $pool/volumes/f
printf 'long enough' | record FailedPrecondition zfs change-key "${key[@]}" $pool/volumes/f
refused FailedPrecondition zfs rename $pool/volumes/f $pool/trash/f
answered zfs rename $pool/volumes/f $pool/volumes/f.x
answered zfs rename $pool/volumes/f.x $pool/volumes/f
answered zfs snapshot $pool/volumes/f@t
answered zfs clone -o canmount=noauto -o mountpoint=none $pool/volumes/f@t $pool/volumes/h
# The owner of the key in the trash, its copies not.
answered zfs destroy $pool/volumes/e@locked
answered zfs rename $pool/volumes/e $pool/trash/e
answered zfs get -Hp -o name,property,value,source encryptionroot,keystatus $pool/volumes/f
answered zfs unload-key $pool/trash/e
answered zfs promote $pool/volumes/f
for one in $pool/trash/e $pool/volumes/f $pool/volumes/h; do answered zfs get -Hp -o name,property,value,source encryptionroot,keystatus,origin,keylocation $one; done
printf 'long enough' | record FailedPrecondition zfs load-key $pool/trash/e
refused FailedPrecondition zfs rename $pool/trash/e $pool/volumes/e
printf 'long enough' | record answer zfs load-key $pool/volumes/f
rm -f "$scratch/a/something"
quietly zfs set mountpoint="$scratch/a" $pool/volumes/f
answered zfs mount $pool/volumes/f
refused "FailedPrecondition transient" zfs unload-key $pool/volumes/f
quietly zfs unmount $pool/volumes/f
printf 'long enough' | record answer zfs create -s -V 16M -o encryption=aes-256-gcm "${key[@]}" $pool/volumes/ez
printf 'long enough' | record InvalidArgument zfs load-key $pool/lamina/a
quietly zfs snapshot $pool/lamina/a@plain
printf 'long enough' | record InvalidArgument zfs clone -o encryption=aes-256-gcm "${key[@]}" $pool/lamina/a@plain $pool/lamina/g

# Health.
truncate -s 128M "$scratch/disk1" "$scratch/disk2"
quietly zpool create -m none -o cachefile=none sick mirror "$scratch/disk1" "$scratch/disk2"
answered zpool status -p sick
quietly dd if=/dev/urandom of="$scratch/disk2" bs=1M seek=5 count=110 conv=notrunc
quietly zpool scrub -w sick
answered zpool status -p sick
quietly zpool offline sick "$scratch/disk1"
answered zpool list -Hp -o health,fragmentation sick
answered zpool status -p sick
quietly zpool destroy sick

# Who may, and what is not there.
refused Unavailable setpriv --reuid 65534 --clear-groups zfs create $pool/lamina/n
quietly zpool export $pool
quietly zpool import -d "$scratch" -N -o readonly=on $pool
refused Unavailable zfs create $pool/lamina/n
refused Unavailable zfs set compression=off $pool/lamina/a
refused Unavailable zfs destroy $pool/lamina/b
quietly zpool export $pool
answered zpool list -H -o health
quietly modprobe -r zfs
mount --bind /dev/null /usr/sbin/modprobe 2> /dev/null; mount --bind /dev/null /sbin/modprobe 2> /dev/null
refused Unavailable zfs version
refused Unavailable zfs get -Hp -o value type $pool/lamina
rm -rf "$scratch"
