#include "go_asm.h"
#include "textflag.h"

#define SYS_write 1
#define SYS_close 3
#define SYS_rt_sigprocmask 14
#define SYS_clone 56
#define SYS_wait4 61
#define SYS_getppid 110
#define SYS_prctl 157
#define SYS_arch_prctl 158
#define SYS_clock_gettime 228
#define SYS_clock_nanosleep 230
#define SYS_exit_group 231
#define SYS_openat 257
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
#define ARCH_GET_FS 0x1003
#define CLOCK_MONOTONIC 1
#define TIMER_ABSTIME 1

// func clone(s *shared) (pid int)
//
// The copy has this stack and never returns. R12 holds s. SYSCALL clobbers AX, CX
// and R11 only.
TEXT ·clone(SB), NOSPLIT, $0-16
	MOVQ	s+0(FP), R12
	MOVQ	$SIG_SETMASK, DI
	LEAQ	shared_all(R12), SI
	LEAQ	shared_mask(R12), DX
	MOVQ	$8, R10
	MOVL	$SYS_rt_sigprocmask, AX
	SYSCALL

	MOVQ	shared_flags(R12), DI
	XORL	SI, SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	MOVL	$SYS_clone, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	copy
	MOVQ	AX, pid+8(FP)

	MOVQ	$SIG_SETMASK, DI
	LEAQ	shared_mask(R12), SI
	XORL	DX, DX
	MOVQ	$8, R10
	MOVL	$SYS_rt_sigprocmask, AX
	SYSCALL
	RET

copy:
	// The registers of a return from here, in the order of user_regs_struct.
	LEAQ	s+0(FP), AX
	MOVQ	R14, (shared_regs+1*8)(R12)
	MOVQ	BP, (shared_regs+4*8)(R12)
	MOVQ	$-1, (shared_regs+15*8)(R12) // orig_rax: in no system call
	MOVQ	-8(AX), BX
	MOVQ	BX, (shared_regs+16*8)(R12) // rip
	MOVQ	$0x33, (shared_regs+17*8)(R12) // cs
	MOVQ	$0x202, (shared_regs+18*8)(R12) // eflags
	MOVQ	AX, (shared_regs+19*8)(R12) // rsp
	MOVQ	$0x2b, (shared_regs+20*8)(R12) // ss
	MOVQ	$ARCH_GET_FS, DI
	LEAQ	(shared_regs+21*8)(R12), SI
	MOVL	$SYS_arch_prctl, AX
	SYSCALL
	XORL	R14, R14
	JMP	frozen<>(SB)

DATA ·fromHandlerPC(SB)/8, $·fromHandler(SB)
GLOBL ·fromHandlerPC(SB), NOPTR|RODATA, $8

// The signal handler calls this with all signals blocked, and the address of the
// ucontext_t in R14. All other registers may be used.
TEXT ·fromHandler(SB), NOSPLIT|NOFRAME, $0-0
	LEAQ	·last(SB), BX
	MOVL	$const_offered, AX
	MOVL	$const_making, CX
	LOCK
	CMPXCHGL	CX, lastResort_stage(BX)
	JEQ	clone
	MOVL	$const_made, AX
	LOCK
	CMPXCHGL	CX, lastResort_stage(BX)
	JNE	done
	MOVLQSX	lastResort_pid(BX), DI
	TESTQ	DI, DI
	JLE	clone
	XORL	SI, SI
	MOVQ	$WNOHANG_WALL, DX
	XORL	R10, R10
	MOVL	$SYS_wait4, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	clone // it is gone
	MOVL	$const_made, lastResort_stage(BX)
	RET

clone:
	LEAQ	lastResort_s(BX), R12
	MOVQ	shared_flags(R12), DI
	XORL	SI, SI
	XORL	DX, DX
	XORL	R10, R10
	XORL	R8, R8
	MOVL	$SYS_clone, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	copy
	MOVL	AX, lastResort_pid(BX)
	MOVL	$const_made, lastResort_stage(BX)
done:
	RET

copy:
	MOVQ	$CLOCK_MONOTONIC, DI
	LEAQ	shared_until(R12), SI
	MOVL	$SYS_clock_gettime, AX
	SYSCALL
	MOVQ	shared_seconds(R12), AX
	ADDQ	AX, shared_until(R12)
	JMP	frozen<>(SB)

// The copy, with the address of its struct shared in R12. R14 is that of a
// ucontext_t, or 0.
TEXT frozen<>(SB), NOSPLIT|NOFRAME, $0-0
	// The process may have ended before the first of these: then the parent is
	// another one. 0 is a parent in another PID namespace.
	MOVQ	$PR_SET_PDEATHSIG, DI
	MOVQ	$SIGKILL, SI
	MOVL	$SYS_prctl, AX
	SYSCALL
	MOVL	$SYS_getppid, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	descriptors
	CMPQ	AX, shared_parent(R12)
	JNE	end

descriptors:
	XORL	DI, DI
	MOVL	$0xffffffff, SI
	XORL	DX, DX
	MOVL	$SYS_close_range, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	closed
	MOVQ	shared_highest(R12), R13

close:
	MOVQ	R13, DI
	MOVL	$SYS_close, AX
	SYSCALL
	DECQ	R13
	JGE	close

closed:
	MOVQ	$AT_FDCWD, DI
	LEAQ	shared_oomFile(R12), SI
	MOVQ	$O_WRONLY_CLOEXEC, DX
	XORL	R10, R10
	MOVL	$SYS_openat, AX
	SYSCALL
	TESTQ	AX, AX
	JLT	named
	MOVQ	AX, R13
	MOVQ	R13, DI
	LEAQ	shared_oomScore(R12), SI
	MOVQ	$4, DX
	MOVL	$SYS_write, AX
	SYSCALL
	MOVQ	R13, DI
	MOVL	$SYS_close, AX
	SYSCALL

named:
	MOVQ	$PR_SET_PTRACER, DI
	MOVQ	shared_tracer(R12), SI
	MOVL	$SYS_prctl, AX
	SYSCALL
	MOVQ	$PR_SET_NAME, DI
	LEAQ	shared_name(R12), SI
	MOVL	$SYS_prctl, AX
	SYSCALL
	MOVL	$1, shared_ready(R12)

sleep:
	MOVQ	$CLOCK_MONOTONIC, DI
	MOVQ	$TIMER_ABSTIME, SI
	LEAQ	shared_until(R12), DX
	XORL	R10, R10
	MOVQ	$const_copyTag, R8 // these two are no arguments, see lastresort_linux.go
	MOVQ	R14, R9
	MOVL	$SYS_clock_nanosleep, AX
	SYSCALL
	CMPQ	AX, $-EINTR
	JEQ	sleep

end:
	XORL	DI, DI
	MOVL	$SYS_exit_group, AX
	SYSCALL
	INT	$3
