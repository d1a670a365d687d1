#include "textflag.h"

#define SYS_exit 93
#define SYS_rt_sigprocmask 135
#define SYS_clone 220

#define SIG_SETMASK 2

// See threads_linux_amd64.s.
#define FLAGS 0x00054f00

// func tryThreads(n uint64) (errno uint64)
//
// R12 and R13 as on amd64. SVC spoils R0 only.
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
	MOVD	R12, R13

start:
	MOVD	$FLAGS, R0
	MOVD	ZR, R1
	MOVD	ZR, R2
	MOVD	ZR, R3
	MOVD	ZR, R4
	MOVD	$SYS_clone, R8
	SVC
	CBZ	R0, thread
	TBZ	$63, R0, ended
	NEG	R0, R0
	MOVD	R0, failed-8(SP)

ended:
	CMP	R12, R13
	BNE	exit
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
	SUBS	$1, R12
	BNE	start

exit:
	MOVD	ZR, R0
	MOVD	$SYS_exit, R8
	SVC
	UNDEF
