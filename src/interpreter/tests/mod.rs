//! Whether descriptions are read as they are meant, and what interpreters print is taken apart.

mod describing;
mod reading;

use super::*;
