#include "textflag.h"

#define SYS_exit 93
#define SYS_futex 98
#define SYS_rt_sigprocmask 135
#define SYS_clone 220

#define SIG_SETMASK 2
#define FUTEX_WAIT_PRIVATE 128
#define FUTEX_WAKE_PRIVATE 129

// The same as in threads_linux_amd64.s.
#define FLAGS 0x00050f00

// func tryThreads(n uint64) (errno uint64)
//
// R12 and R13 are used as in threads_linux_amd64.s, and R14 holds the address
// of the word. SVC clobbers R0 only.
TEXT ·tryThreads(SB), NOSPLIT, $24-16
	MOVD	ZR, failed-8(SP)
	MOVD	$-1, R0
	MOVD	R0, all-16(SP)
	MOVD	$SIG_SETMASK, R0
	MOVD	$all-16(SP), R1
	MOVD	$old-24(SP), R2
	MOVD	$8, R3
	MOVD	$SYS_rt_sigprocmask, R8
	SVC

	MOVD	n+0(FP), R12
	MOVD	$·triedThreads(SB), R14
	MOVWU	(R14), R13

start:
	MOVD	$FLAGS, R0
	MOVD	ZR, R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	ZR, R4
	MOVD	$SYS_clone, R8
	SVC
	CBZ	R0, thread
	TBNZ	$63, R0, refused
	SUBS	$1, R12
	BNE	start
	JMP	release

refused:
	NEG	R0, R0
	MOVD	R0, failed-8(SP)

release:
	LDAXRW	(R14), R3
	ADDW	$1, R3
	STLXRW	R3, (R14), R4
	CBNZW	R4, release
	MOVD	R14, R0
	MOVD	$FUTEX_WAKE_PRIVATE, R1
	MOVD	$0x7fffffff, R2
	MOVD	$SYS_futex, R8
	SVC

	MOVD	$SIG_SETMASK, R0
	MOVD	$old-24(SP), R1
	MOVD	ZR, R2
	MOVD	$8, R3
	MOVD	$SYS_rt_sigprocmask, R8
	SVC
	MOVD	failed-8(SP), R0
	MOVD	R0, errno+8(FP)
	RET

thread:
	MOVD	R14, R0
	MOVD	$FUTEX_WAIT_PRIVATE, R1
	MOVD	R13, R2
	MOVD	ZR, R3
	MOVD	$SYS_futex, R8
	SVC
	LDARW	(R14), R3
	CMPW	R13, R3
	BEQ	thread
	MOVD	ZR, R0
	MOVD	$SYS_exit, R8
	SVC
	UNDEF
