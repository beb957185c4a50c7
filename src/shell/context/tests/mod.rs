//! Whether a context does what its commands say, with real interpreters.

mod adopting;
mod described;
mod driving;
mod ending;
mod keeping;
mod posix;
mod python;
mod running;
mod streaming;
mod support;

use super::*;
