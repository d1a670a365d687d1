package freeze

// registers is how many struct user_pt_regs has. The thread pointer comes after
// them.
const registers, threadPointers = 34, 1
