//! What we hold in the kernel, and for whom.
