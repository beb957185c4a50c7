//! Whether a context does what its commands say, with real interpreters.

mod running;
mod support;

use super::*;
