#include "textflag.h"

TEXT ·forever(SB), NOSPLIT, $0-0
loop:
	B loop
