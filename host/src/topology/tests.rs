//! What the kernel does on the side, and what it refuses.

use super::*;
