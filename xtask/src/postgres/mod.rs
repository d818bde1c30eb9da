//! A PostgreSQL cluster of our own: made in a temporary folder, gone when we are gone.
//!
//! Three actors. This process starts a small shell (the keeper) and holds the other end of its
//! standard input. The keeper runs `initdb` and the server as an unprivileged user. When the pipe
//! closes, because we dropped it or because we died in any way (Ctrl-C, kill -9), the keeper
//! stops the server and deletes the folder. Nothing relies on this process ending in good order.

mod find;

use std::fs;
use std::net::TcpListener;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::{proc, workspace};

/// Tests find their PostgreSQL under this name, as a `postgres://` URL of a superuser.
pub(crate) const VARIABLE: &str = "TUESDAY_TEST_POSTGRES";
const USER: &str = "tuesday";
const READY_WITHIN: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// The kernel's limit for a socket path is 107 bytes; the server adds its own file name.
const SOCKET_DIR_BYTES_MAX: usize = 80;

/// Shell of the keeper: `$1` programs, `$2` folder, the rest are settings of the server.
/// The signal is repeated because a server that has just been started may not yet listen to it.
const KEEPER: &str = r#"
bin=$1; dir=$2; shift 2
exec 3<&0
trap 'rm -rf "$dir"' EXIT
"$bin/initdb" -D "$dir/data" -U tuesday -A trust -E UTF8 --locale=C >"$dir/log" 2>&1 3<&- || {
  cat "$dir/log" >&2; exit 1
}
"$bin/postgres" -D "$dir/data" "$@" >>"$dir/log" 2>&1 3<&- &
server=$!
( cat <&3 >/dev/null; while kill -INT "$server" 2>/dev/null; do sleep 1; done ) &
wait "$server" || { tail -n 20 "$dir/log" >&2; exit 1; }
"#;

/// A running server. Dropping it stops the server and deletes its folder.
pub(crate) struct Cluster {
    keeper: Child,
    port: u16,
}

impl Cluster {
    /// Finds or installs PostgreSQL, makes a cluster and waits until it takes connections.
    pub(crate) fn start() -> Result<Cluster> {
        let bin = find::binaries()?;
        let owner = find::unprivileged()?;
        let dir = folder(owner)?;
        let port = free_port()?;
        let mut command = Command::new("sh");
        command
            .args(["-c", KEEPER, "postgres-keeper"])
            .arg(&bin)
            .arg(&dir);
        command
            .args(settings(port, &dir))
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        // A group of its own: Ctrl-C must reach us, and the keeper only through the closed pipe.
        command.process_group(0).current_dir(&dir);
        if let Some((user, group)) = owner {
            command.uid(user).gid(group);
        }
        let keeper = command
            .spawn()
            .context("starting the keeper of PostgreSQL")?;
        let mut cluster = Cluster { keeper, port };
        cluster.wait_until_ready(&dir.join("data/postmaster.pid"))?;
        println!("PostgreSQL of {} on {}", bin.display(), cluster.url());
        Ok(cluster)
    }

    /// The address tests connect to.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}@127.0.0.1:{}/postgres", self.port)
    }

    fn wait_until_ready(&mut self, pid_file: &Path) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if let Some(status) = self.keeper.try_wait()? {
                bail!("PostgreSQL did not start (keeper ended with {status}); its log is above");
            }
            if fs::read_to_string(pid_file).is_ok_and(|text| says_ready(&text)) {
                return Ok(());
            }
            std::thread::sleep(LOOK_EVERY);
        }
        bail!(
            "PostgreSQL was not ready within {} s",
            READY_WITHIN.as_secs()
        )
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        // The keeper's own exit code says how the server ended; there is nobody left to tell.
        let _ended = self.keeper.wait();
    }
}

/// `cargo xtask postgres [COMMAND...]`: a cluster for one command, or until standard input ends.
pub(crate) fn run(command: &[String]) -> Result<ExitCode> {
    let cluster = Cluster::start()?;
    let Some((program, args)) = command.split_first() else {
        println!("{VARIABLE}={}\nCtrl-C stops it", cluster.url());
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())?;
        return Ok(ExitCode::SUCCESS);
    };
    proc::run(
        Command::new(program)
            .args(args)
            .env(VARIABLE, cluster.url()),
    )?;
    Ok(ExitCode::SUCCESS)
}

/// A server that somebody else provides, for machines where one is already running.
pub(crate) fn provided() -> Option<String> {
    workspace::env(VARIABLE)
}

fn settings(port: u16, dir: &Path) -> Vec<String> {
    let socket = dir.as_os_str().to_string_lossy();
    let socket = if socket.len() <= SOCKET_DIR_BYTES_MAX {
        socket.as_ref()
    } else {
        ""
    };
    // Durability stays on: the tests are about what survives, a faster lie would prove nothing.
    [
        format!("port={port}"),
        "listen_addresses=127.0.0.1".to_owned(),
        format!("unix_socket_directories={socket}"),
        "fsync=on".to_owned(),
        "synchronous_commit=on".to_owned(),
        "max_connections=200".to_owned(),
    ]
    .into_iter()
    .flat_map(|setting| ["-c".to_owned(), setting])
    .collect()
}

/// A new folder that the server's user owns.
fn folder(owner: Option<(u32, u32)>) -> Result<PathBuf> {
    let dir = tempfile::Builder::new()
        .prefix("tuesday-postgres-")
        .tempdir()?;
    if let Some((user, group)) = owner {
        std::os::unix::fs::chown(dir.path(), Some(user), Some(group))?;
    }
    // From here on the keeper owns it, and deletes it.
    Ok(dir.keep())
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("looking for a free port")?;
    Ok(listener.local_addr()?.port())
}

/// The server writes its state into the last line of its pid file.
fn says_ready(pid_file: &str) -> bool {
    pid_file
        .lines()
        .last()
        .is_some_and(|line| line.trim() == "ready")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ready_only_when_the_server_says_so() {
        assert!(says_ready(
            "812\n/tmp/x\n1\n5\n/tmp\n127.0.0.1\n 42 0\nready   \n"
        ));
        assert!(!says_ready(
            "812\n/tmp/x\n1\n5\n/tmp\n127.0.0.1\n 42 0\nstarting\n"
        ));
        assert!(!says_ready(""));
    }

    #[test]
    fn a_long_folder_turns_the_socket_off_and_not_durability() {
        let long = PathBuf::from("/x".repeat(60));
        let settings = settings(5, &long);
        assert!(settings.contains(&"unix_socket_directories=".to_owned()));
        assert!(settings.contains(&"fsync=on".to_owned()));
        assert!(settings.contains(&"port=5".to_owned()));
    }
}
