//go:build !lazy_ossignal

#include "go_asm.h"
#include "textflag.h"

DATA ·bellHandlerPC(SB)/8, $·bellHandler(SB)
GLOBL ·bellHandlerPC(SB), NOPTR|RODATA, $8

#define SYS_getpid 39
#define SYS_gettid 186
#define SYS_tgkill 234
#define SYS_bind 49
#define SYS_listen 50

#define SI_TKILL -6 // si_code of what tgkill sent, sigaction(2)

// The kernel calls this on whichever thread gets the signal, in the middle of
// whatever it did, with all signals blocked (the runtime's mask):
//	DI signal, SI siginfo, DX ucontext, at 0(SP) the way to rt_sigreturn.
// rt_sigreturn restores every register, so all may be used. SYSCALL spoils
// AX, CX and R11 only.
TEXT ·bellHandler(SB), NOSPLIT|NOFRAME, $0-0
	MOVQ	DI, R12
	MOVQ	SI, R13
	MOVQ	DX, R14
	LEAQ	·bell(SB), BX

	// Between vfork and exec a child shares this memory.
	MOVL	$SYS_getpid, AX
	SYSCALL
	CMPL	AX, bellMemory_pid(BX)
	JNE	chain

	// One that was passed on from another thread, below, has rung there. The
	// main thread may have blocked it until long after.
	CMPL	8(R13), $SI_TKILL
	JNE	ring
	MOVL	$SYS_gettid, AX
	SYSCALL
	CMPL	AX, bellMemory_pid(BX)
	JNE	ring
	XORL	AX, AX
	XCHGL	AX, bellMemory_passed(BX)
	TESTL	AX, AX
	JNE	chain

ring:
	MOVL	$const_bellArmed, AX
	MOVL	$const_bellRinging, CX
	LOCK
	CMPXCHGL	CX, bellMemory_state(BX)
	JNE	chain

	MOVL	bellMemory_fd(BX), DI
	LEAQ	bellMemory_addr(BX), SI
	MOVL	bellMemory_addrLen(BX), DX
	MOVL	$SYS_bind, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	failed

	MOVL	bellMemory_fd(BX), DI
	MOVL	$const_backlog, SI
	MOVL	$SYS_listen, AX
	SYSCALL
	TESTQ	AX, AX
	JNE	failed

	MOVL	$const_bellOpen, bellMemory_state(BX)
	JMP	chain

failed:
	NEGQ	AX
	MOVL	AX, bellMemory_errno(BX)
	MOVL	$const_bellFailed, bellMemory_state(BX)

chain:
	// On a thread that C code started the runtime's handler ends the process,
	// unless the program is notified of the signal (badsignal in
	// runtime/signal_unix.go); so it is called on the main thread.
	CMPL	bellMemory_forward(BX), $0
	JEQ	call
	MOVL	$SYS_getpid, AX
	SYSCALL
	MOVL	AX, DI
	MOVL	$SYS_gettid, AX
	SYSCALL
	CMPL	AX, DI
	JEQ	call
	MOVL	$1, bellMemory_passed(BX)
	MOVL	DI, SI
	MOVL	R12, DX
	MOVL	$SYS_tgkill, AX
	SYSCALL
	TESTQ	AX, AX
	JEQ	passed
	MOVL	$0, bellMemory_passed(BX)
passed:
	RET

call:
	MOVQ	R12, DI
	MOVQ	R13, SI
	MOVQ	R14, DX
	MOVQ	bellMemory_next(BX), AX
	JMP	AX
