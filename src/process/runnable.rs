//! Whether something can be run at all.

use std::path::Path;

use rustix::fs::{Access, access};

/// Whether there is a file that this process may run.
pub fn is_runnable(path: &Path) -> bool {
    access(path, Access::EXEC_OK).is_ok() && path.is_file()
}
