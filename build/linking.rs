//! How the released program is linked: with the C library in it, so that a start loads and binds nothing else.
//!
//! `-C target-feature=+crt-static` says the same, but Cargo gives that to the build's own libraries too, which cannot be
//! linked so, unless a target is named; then `cargo build` and `cargo install` would need an argument. So the arguments for
//! the linker are given here, for the program alone.
//!
//! The program lies at fixed addresses. One that lies anywhere has to write the addresses of everything into a hundred of
//! its pages at each start, which costs a third of a short command, and every holder then keeps these pages for itself. Heap,
//! stacks and what is mapped later lie at random places all the same. `WHARF_LINK=pie` asks for a program that lies anywhere.
//!
//! Whoever has no static C library, or another linker that does not know this, gets the usual program. `WHARF_LINK=dynamic`
//! asks for that.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::Command,
};

/// Libraries that the compiler asks for by name.
const LIBRARIES: [&str; 8] = ["c", "m", "dl", "rt", "pthread", "util", "resolv", "gcc"];
/// A program at fixed addresses, and one that lies anywhere. There what is missing stays zero, since nothing could bind it
/// later; not every linker and C library knows the last one, which makes the program smaller.
const FIXED: [&str; 2] = ["-no-pie", "-static"];
const ANYWHERE: [&str; 3] = ["-static-pie", "-Wl,-z,nodynamic-undefined-weak", "-Wl,-z,pack-relative-relocs"];
/// What the standard library uses when it is there, and an archive would not give unasked.
const WANTED: [&str; 2] = ["posix_spawn_file_actions_addchdir_np", "__cxa_thread_atexit_impl"];
/// Says whether what was linked in this way can be run: threads, memory, mathematics.
const TRIAL: &str = "
    #include <math.h>
    #include <pthread.h>
    #include <stdlib.h>
    static void *run(void *number) { *(double *)number = sqrt(*(double *)number); return number; }
    int main(int count, char **words) {
        double *number = malloc(sizeof *number);
        pthread_t thread;
        *number = 4.0 * count * count;
        if (pthread_create(&thread, 0, run, number) || pthread_join(thread, 0)) return 1;
        return *number == 2.0 * count ? 0 : 2;
    }
";

/// The arguments for the linker; none where the usual ones are to stay.
pub(crate) fn arguments() -> Vec<String> {
    let variable = |name: &str| env::var(name).unwrap_or_default();
    let is_plain = variable("HOST") == variable("TARGET")
        && variable("CARGO_CFG_TARGET_OS") == "linux"
        && variable("CARGO_CFG_TARGET_ENV") == "gnu"
        && !variable("CARGO_CFG_TARGET_FEATURE").split(',').any(|it| it == "crt-static");
    let link = variable("WHARF_LINK");
    if !is_plain || variable("PROFILE") != "release" || link == "dynamic" {
        return Vec::new();
    }
    let linker = env::var("RUSTC_LINKER").unwrap_or_else(|_| "cc".to_owned());
    let folder = PathBuf::from(variable("OUT_DIR")).join("whole");
    if write_scripts(&linker, &folder).is_err() {
        return Vec::new();
    }
    let ways: [&[&str]; 3] = [&FIXED, &ANYWHERE, &ANYWHERE[..2]];
    let mut ways = ways.into_iter().skip(usize::from(link == "pie")).map(|way| with_libraries(way, &folder));
    ways.find(|args| runs(&linker, &folder, args)).unwrap_or_default()
}

fn with_libraries(way: &[&str], folder: &Path) -> Vec<String> {
    let mut args: Vec<String> = way.iter().map(ToString::to_string).collect();
    args.push(format!("-L{}", folder.display()));
    args.extend(WANTED.iter().map(|symbol| format!("-Wl,-u,{symbol}")));
    args
}

/// The compiler asks for shared libraries. Found first, these scripts lead to the archives instead.
fn write_scripts(linker: &str, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    for library in LIBRARIES {
        let archive = find(linker, &format!("lib{library}.a"))?;
        fs::write(folder.join(format!("lib{library}.so")), format!("INPUT({})\n", archive.display()))?;
    }
    let (unwind, plain) = (find(linker, "libgcc_eh.a")?, find(linker, "libgcc.a")?);
    let group = format!("GROUP({} {} -lc)\n", unwind.display(), plain.display());
    fs::write(folder.join("libgcc_s.so"), group)
}

fn find(linker: &str, file: &str) -> io::Result<PathBuf> {
    let output = Command::new(linker).arg(format!("-print-file-name={file}")).output()?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    // One that is not there is answered as it was asked for.
    if path.is_absolute() { fs::canonicalize(path) } else { Err(io::ErrorKind::NotFound.into()) }
}

fn runs(linker: &str, folder: &Path, args: &[String]) -> bool {
    let (source, program) = (folder.join("trial.c"), folder.join("trial"));
    let link = || -> io::Result<bool> {
        fs::write(&source, TRIAL)?;
        let mut command = Command::new(linker);
        command.arg("-pie").arg(&source).arg("-o").arg(&program).args([
            "-Wl,-Bdynamic",
            "-lgcc_s",
            "-lm",
            "-lc",
        ]);
        Ok(command.args(args).output()?.status.success() && Command::new(&program).status()?.success())
    };
    link().unwrap_or(false)
}
