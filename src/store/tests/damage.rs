//! Whether a damaged file costs more than what was damaged.
