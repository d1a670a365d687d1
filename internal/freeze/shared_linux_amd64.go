package freeze

// registers is how many struct user_regs_struct has, with the thread pointer.
const registers, threadPointers = 27, 0
