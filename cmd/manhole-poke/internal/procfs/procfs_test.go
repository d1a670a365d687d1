package procfs

// As Linux 6.18 prints it for an armed Go program in a pid namespace.
const goStatus = "Name:\torder (api)\nUmask:\t0022\nState:\tS (sleeping)\nTgid:\t4711\nNgid:\t0\nPid:\t4711\nPPid:\t1\nTracerPid:\t0\n" +
	"Uid:\t1000\t1001\t1002\t1003\nGid:\t1000\t1000\t1000\t1000\nFDSize:\t64\nGroups:\t \nNStgid:\t4711\t7\nNSpid:\t4711\t7\n" +
	"Threads:\t5\nCpus_allowed_list:\t0-1\nSigQ:\t0/31407\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\nSigBlk:\t0000000000000000\n" +
	"SigIgn:\t0000000000001000\nSigCgt:\tfffffffd7fc1feff\nCapInh:\t0000000000000000\nSeccomp:\t0\n"

const sleepStat = "4712 (sleep) S 4711 4712 4711 34816 4712 4194304 97 0 0 0 0 0 0 0 20 0 1 0 123 5 6\n"

// As Linux 6.18 prints it where /tmp and a directory in it are mount points.
const someMounts = `27 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
25 27 0:6 / /dev rw,relatime shared:2 - devtmpfs devtmpfs rw,mode=755
30 25 0:27 /a\040b /dev/shm ro,relatime shared:3 master:1 - tmpfs none rw
70 27 0:40 / /tmp/sub rw - tmpfs none rw
71 27 254:0 /srv /tmp rw - ext4 /dev/vda rw
72 71 0:41 / /tmp rw - tmpfs none ro,size=4k
`

const (
	goStat       = "4711 (order) (a) R 1 4711 4711 0 -1 4194368 1186 0 7 0 150 50 0 0 20 0 5 0 123 1 2 3 4\n"
	unixSockets  = "Num       RefCount Protocol Flags    Type St Inode Path\n" + listening + connected + datagram + unnamed
	listening    = "00000000877cae42: 00000002 00000000 00010000 0001 01 2080788 /tmp/man hole-5401\n00000000877cae43: 00000002 00000000 00010000 0001 01   788 @manhole-7\n"
	connected    = "000000007311f7cf: 00000003 00000000 00000000 0001 03 2080830 /tmp/manhole-5402\n"
	datagram     = "000000007311f7ce: 00000003 00000000 00010000 0002 03 2080830 /tmp/manhole-5403\n"
	unnamed      = "00000000e10b0be5: 00000003 00000000 00010000 0001 03  1130\n"
	bothCgroups  = "6:freezer:/pods/a:b\n1:cpu,cpuacct:/pods/a\n4:memory:/../other\n0::/pods/a.slice\n"
	memPressure  = "some avg10=40.16 avg60=0.48 avg300=0.54 total=2271987564\nfull avg10=12.50 avg60=0.00 avg300=0.00 total=0\n"
	kernelFrames = "[<0>] io_schedule+0x46/0x70\n[<0>] folio_wait_bit_common+0x13d/0x350\n[<0>] __x64_sys_read+0x1/0x2\n[<0>] do_syscall_64+0x71/0x280\n"
)
