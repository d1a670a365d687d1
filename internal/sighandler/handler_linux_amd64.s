//go:build !lazy_ossignal

#include "go_asm.h"
#include "textflag.h"

DATA ·handlerPC(SB)/8, $·handler(SB)
GLOBL ·handlerPC(SB), NOPTR|RODATA, $8

// Where the Go code of this module begins and ends: symbols of the linker.
DATA ·text(SB)/8, $runtime·text(SB)
GLOBL ·text(SB), NOPTR|RODATA, $8
DATA ·etext(SB)/8, $runtime·etext(SB)
GLOBL ·etext(SB), NOPTR|RODATA, $8

#define SYS_fstat 5
#define SYS_getpid 39
#define SYS_gettid 186
#define SYS_tgkill 234
#define SYS_bind 49
#define SYS_listen 50

// siginfo_t, sigaction(2)
#define SI_CODE 8
#define SI_VALUE 24
#define SI_QUEUE -1 // si_code of a signal from rt_sigqueueinfo and pidfd_send_signal
#define SI_TKILL -6 // si_code of a signal from tgkill

// struct stat, stat(2)
#define ST_DEV 0
#define ST_INO 8

// ucontext, defs_linux_amd64.go of the runtime
#define UC_RIP 168

#define EBADF 9

// The kernel calls this on the thread that gets the signal, at any point of its
// code, with all signals blocked (the runtime's mask):
//	DI signal, SI siginfo, DX ucontext, 0(SP) the return address, which leads
//	to rt_sigreturn.
// rt_sigreturn restores every register, so all may be used. SYSCALL clobbers
// AX, CX and R11 only. In a plugin and with -linkshared the assembler loads the
// address of a symbol into R15 first, so mem is named once, with LEAQ.
TEXT ·handler(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	DI, R12
	MOVQ	SI, R13
	MOVQ	DX, R14
	LEAQ	·mem(SB), BX
	XORL	R9, R9 // 1 if the signal is not for the program

	// Between vfork and exec a child shares this memory.
	MOVL	$SYS_getpid, AX
	SYSCALL
	CMPL	AX, memory_pid(BX)
	JNE	call

	CMPL	SI_CODE(R13), $SI_QUEUE
	JNE	untagged
	MOVQ	$const_tag, AX
	CMPQ	SI_VALUE(R13), AX
	JEQ	tagged
	MOVQ	$const_copyTag, AX
	CMPQ	SI_VALUE(R13), AX
	JNE	ring
	MOVQ	memory_copier(BX), AX
	TESTQ	AX, AX
	JEQ	return
	JMP	AX

tagged:
	MOVL	$1, R9
	JMP	ring

untagged:
	// A signal that another thread passed on (below) has rung there already. The
	// thread may get it much later, if it blocks the signal.
	CMPL	SI_CODE(R13), $SI_TKILL
	JNE	ring
	MOVL	$SYS_gettid, AX
	SYSCALL
	CMPL	AX, memory_forwardTo(BX)(R12*4)
	JNE	ring
	XORL	AX, AX
	XCHGL	AX, memory_passed(BX)
	TESTL	AX, AX
	JNE	call

ring:
	// The handler may have stayed for another signal, see Handler.Restore.
	CMPL	R12, memory_sig(BX)
	JNE	chain
	MOVL	$const_Armed, AX
	MOVL	$const_ringing, CX
	LOCK
	CMPXCHGL	CX, memory_state(BX)
	JNE	chain

	// The program may have closed the socket, and got its number for another
	// file.
	MOVL	memory_fd(BX), DI
	LEAQ	memory_stat(BX), SI
	MOVL	$SYS_fstat, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	failed
	MOVQ	$-EBADF, AX
	MOVQ	(memory_stat+ST_DEV)(BX), CX
	CMPQ	CX, memory_dev(BX)
	JNE	failed
	MOVQ	(memory_stat+ST_INO)(BX), CX
	CMPQ	CX, memory_ino(BX)
	JNE	failed

	MOVL	memory_fd(BX), DI
	LEAQ	memory_addr(BX), SI
	MOVL	memory_addrLen(BX), DX
	MOVL	$SYS_bind, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	failed

	MOVL	memory_fd(BX), DI
	MOVL	$const_backlog, SI
	MOVL	$SYS_listen, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	failed

	MOVL	$const_Open, memory_state(BX)
	JMP	chain

failed:
	NEGQ	AX
	MOVL	AX, memory_errno(BX)
	MOVL	$const_Failed, memory_state(BX)

chain:
	TESTL	R9, R9
	JNE	return

	// On a thread that C code started the runtime's handler ends the process,
	// unless the program is notified of the signal (badsignal in
	// runtime/signal_unix.go). See Handler.ChooseThread.
	MOVL	memory_forwardTo(BX)(R12*4), AX
	TESTL	AX, AX
	JEQ	call
	JLT	inGo
	MOVL	$SYS_gettid, AX
	SYSCALL
	CMPL	AX, memory_forwardTo(BX)(R12*4)
	JEQ	call
	MOVL	$1, memory_passed(BX)
	MOVL	memory_pid(BX), DI
	MOVL	memory_forwardTo(BX)(R12*4), SI
	MOVL	R12, DX
	MOVL	$SYS_tgkill, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	return
	MOVL	$0, memory_passed(BX)
return:
	RET

inGo:
	MOVQ	UC_RIP(R14), AX
	CMPQ	AX, memory_text(BX)
	JCS	return
	CMPQ	AX, memory_etext(BX)
	JCC	return

call:
	MOVQ	R12, DI
	MOVQ	R13, SI
	MOVQ	R14, DX
	MOVQ	memory_next(BX), AX
	JMP	AX
