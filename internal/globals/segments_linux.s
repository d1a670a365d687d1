//go:build amd64 || arm64

#include "textflag.h"

// Symbols of the linker.
DATA ·bounds+0(SB)/8, $runtime·noptrdata(SB)
DATA ·bounds+8(SB)/8, $runtime·enoptrdata(SB)
DATA ·bounds+16(SB)/8, $runtime·data(SB)
DATA ·bounds+24(SB)/8, $runtime·edata(SB)
DATA ·bounds+32(SB)/8, $runtime·bss(SB)
DATA ·bounds+40(SB)/8, $runtime·ebss(SB)
DATA ·bounds+48(SB)/8, $runtime·noptrbss(SB)
DATA ·bounds+56(SB)/8, $runtime·enoptrbss(SB)
GLOBL ·bounds(SB), NOPTR|RODATA, $64
