#include "go_asm.h"
#include "textflag.h"

#define SYS_openat 56
#define SYS_close 57
#define SYS_write 64
#define SYS_exit_group 94
#define SYS_clock_gettime 113
#define SYS_clock_nanosleep 115
#define SYS_rt_sigprocmask 135
#define SYS_prctl 167
#define SYS_getppid 173
#define SYS_clone 220
#define SYS_wait4 260
#define SYS_close_range 436

#define SIG_SETMASK 2
#define SIGKILL 9
#define EINTR 4
#define WNOHANG_WALL 0x40000001
#define AT_FDCWD -100
#define O_WRONLY_CLOEXEC 0x80001
#define PR_SET_PDEATHSIG 1
#define PR_SET_NAME 15
#define PR_SET_PTRACER 0x59616d61
#define CLOCK_MONOTONIC 1
#define TIMER_ABSTIME 1

// func clone(s *shared) (pid int)
//
// The same as in clone_linux_amd64.s. R12 holds s. SVC clobbers R0 only.
TEXT ·clone(SB), NOSPLIT, $0-16
	MOVD	s+0(FP), R12
	MOVD	$SIG_SETMASK, R0
	ADD	$shared_all, R12, R1
	ADD	$shared_mask, R12, R2
	MOVD	$8, R3
	MOVD	$SYS_rt_sigprocmask, R8
	SVC

	MOVD	shared_flags(R12), R0
	MOVD	ZR, R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	ZR, R4
	MOVD	$SYS_clone, R8
	SVC
	CBZ	R0, copy
	MOVD	R0, pid+8(FP)

	MOVD	$SIG_SETMASK, R0
	ADD	$shared_mask, R12, R1
	MOVD	ZR, R2
	MOVD	$8, R3
	MOVD	$SYS_rt_sigprocmask, R8
	SVC
	RET

copy:
	// The registers of a return from here, in the order of user_pt_regs, and
	// the thread's pointer.
	MOVD	g, (shared_regs+28*8)(R12)
	MOVD	R29, (shared_regs+29*8)(R12)
	MOVD	R30, (shared_regs+30*8)(R12)
	MOVD	RSP, R0
	MOVD	R0, (shared_regs+31*8)(R12)
	MOVD	R30, (shared_regs+32*8)(R12) // pc
	MRS	TPIDR_EL0, R0
	MOVD	R0, (shared_regs+34*8)(R12)
	MOVD	ZR, R14
	JMP	frozen<>(SB)

DATA ·fromHandlerPC(SB)/8, $·fromHandler(SB)
GLOBL ·fromHandlerPC(SB), NOPTR|RODATA, $8

// The same as in clone_linux_amd64.s, with the ucontext_t in R14.
TEXT ·fromHandler(SB), NOSPLIT|NOFRAME, $0-0
	MOVD	$·last(SB), R22
	ADD	$lastResort_stage, R22, R23
	MOVD	$const_making, R4
again:
	LDAXRW	(R23), R3
	CMPW	$const_offered, R3
	BEQ	take
	CMPW	$const_made, R3
	BNE	done
take:
	STLXRW	R4, (R23), R5
	CBNZ	R5, again
	CMPW	$const_offered, R3
	BEQ	clone
	MOVW	lastResort_pid(R22), R0
	CMP	$0, R0
	BLE	clone
	MOVD	ZR, R1
	MOVD	$WNOHANG_WALL, R2
	MOVD	ZR, R3
	MOVD	$SYS_wait4, R8
	SVC
	CBNZ	R0, clone // it is gone
	MOVD	$const_made, R4
	STLRW	R4, (R23)
	RET

clone:
	ADD	$lastResort_s, R22, R12
	MOVD	shared_flags(R12), R0
	MOVD	ZR, R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	ZR, R4
	MOVD	$SYS_clone, R8
	SVC
	CBZ	R0, copy
	MOVW	R0, lastResort_pid(R22)
	MOVD	$const_made, R4
	STLRW	R4, (R23)
done:
	RET

copy:
	MOVD	$CLOCK_MONOTONIC, R0
	ADD	$shared_until, R12, R1
	MOVD	$SYS_clock_gettime, R8
	SVC
	MOVD	shared_until(R12), R0
	MOVD	shared_seconds(R12), R1
	ADD	R1, R0
	MOVD	R0, shared_until(R12)
	JMP	frozen<>(SB)

// The same as in clone_linux_amd64.s.
TEXT frozen<>(SB), NOSPLIT|NOFRAME, $0-0
	MOVD	$PR_SET_PDEATHSIG, R0
	MOVD	$SIGKILL, R1
	MOVD	$SYS_prctl, R8
	SVC
	MOVD	$SYS_getppid, R8
	SVC
	CBZ	R0, descriptors
	MOVD	shared_parent(R12), R1
	CMP	R1, R0
	BNE	end

descriptors:
	MOVD	ZR, R0
	MOVD	$0xffffffff, R1
	MOVD	ZR, R2
	MOVD	$SYS_close_range, R8
	SVC
	CBZ	R0, closed
	MOVD	shared_highest(R12), R13

close:
	MOVD	R13, R0
	MOVD	$SYS_close, R8
	SVC
	SUBS	$1, R13
	BGE	close

closed:
	MOVD	$AT_FDCWD, R0
	ADD	$shared_oomFile, R12, R1
	MOVD	$O_WRONLY_CLOEXEC, R2
	MOVD	ZR, R3
	MOVD	$SYS_openat, R8
	SVC
	TBNZ	$63, R0, named
	MOVD	R0, R13
	ADD	$shared_oomScore, R12, R1
	MOVD	$4, R2
	MOVD	$SYS_write, R8
	SVC
	MOVD	R13, R0
	MOVD	$SYS_close, R8
	SVC

named:
	MOVD	$PR_SET_PTRACER, R0
	MOVD	shared_tracer(R12), R1
	MOVD	$SYS_prctl, R8
	SVC
	MOVD	$PR_SET_NAME, R0
	ADD	$shared_name, R12, R1
	MOVD	$SYS_prctl, R8
	SVC
	MOVD	$1, R0
	ADD	$shared_ready, R12, R1
	STLRW	R0, (R1)

sleep:
	MOVD	$CLOCK_MONOTONIC, R0
	MOVD	$TIMER_ABSTIME, R1
	ADD	$shared_until, R12, R2
	MOVD	ZR, R3
	MOVD	$const_copyTag, R4 // these two are no arguments, see lastresort_linux.go
	MOVD	R14, R5
	MOVD	$SYS_clock_nanosleep, R8
	SVC
	CMN	$EINTR, R0
	BEQ	sleep

end:
	MOVD	ZR, R0
	MOVD	$SYS_exit_group, R8
	SVC
	UNDEF
