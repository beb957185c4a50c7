//! Which page the binary carries: the one that was built into `web/dist`, or a plain one when that was not done, so that
//! `cargo build` never needs Node. And how the binary is linked.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

#[path = "build/linking.rs"]
#[expect(clippy::disallowed_methods, reason = "a build has none of the doors that the program has")]
mod linking;

const BUILT: &str = "web/dist";
const PLAIN: &str = "src/server/plain";

fn main() {
    // Both folders always exist, so that this runs again when something in them changes and at no other time.
    println!("cargo::rerun-if-changed={BUILT}");
    println!("cargo::rerun-if-changed={PLAIN}");
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-changed=build/linking.rs");
    println!("cargo::rerun-if-env-changed=WHARF_LINK");
    for argument in linking::arguments() {
        println!("cargo::rustc-link-arg-bins={argument}");
    }
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo says where the package is"));
    let is_full = root.join(BUILT).join("index.html").is_file();
    let folder = root.join(if is_full { BUILT } else { PLAIN });
    let mut files = Vec::new();
    collect(&folder, &mut files);
    files.sort();
    let assets: String = files.iter().map(|file| asset(&folder, file, is_full)).collect();
    let text = format!(
        "pub(super) const IS_FULL: bool = {is_full};\nstatic ASSETS: &[(&str, Asset)] = &[\n{assets}];\n"
    );
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo says where to write")).join("page.rs");
    #[expect(clippy::disallowed_methods, reason = "cargo's own folder, written anew each time")]
    fs::write(&out, text).unwrap_or_else(|err| panic!("cannot write {}: {err}", out.display()));
}

/// Every file below a folder that is not hidden.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let entries =
        fs::read_dir(folder).unwrap_or_else(|err| panic!("cannot read {}: {err}", folder.display()));
    for entry in entries {
        let path = entry.unwrap_or_else(|err| panic!("cannot read {}: {err}", folder.display())).path();
        let is_hidden = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if path.is_dir() {
            collect(&path, files);
        } else if !is_hidden {
            files.push(path);
        }
    }
}

/// One line of the table. Names of built assets hold a hash of what is in them, behind a dash, so that a browser may keep
/// those for good.
fn asset(folder: &Path, file: &Path, is_full: bool) -> String {
    let bytes = fs::read(file).unwrap_or_else(|err| panic!("cannot read {}: {err}", file.display()));
    let name = file
        .strip_prefix(folder)
        .expect("it was found below that folder")
        .to_string_lossy()
        .replace('\\', "/");
    let is_lasting = is_full && name.starts_with("assets/") && name.contains('-');
    let etag = format!("\"{:016x}\"", fnv(&bytes));
    let kind = content_type(file);
    let path = file.to_str().expect("the path of the package is UTF-8");
    format!(
        "    ({name:?}, Asset {{ bytes: include_bytes!({path:?}), content_type: {kind:?}, etag: {etag:?}, is_lasting: {is_lasting} }}),\n"
    )
}

fn content_type(file: &Path) -> &'static str {
    match file.extension().and_then(|it| it.to_str()) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("txt") => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

/// A short fingerprint (FNV-1a): it tells two builds apart and guards nothing.
fn fnv(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
