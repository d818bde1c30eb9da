//! A node as its operator runs it: the real program in a process of its own.

use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::sync::watch;
use tuesday_store::{Config, Instance, InstanceKind, Store};

use crate::wait::{PATIENCE, until};

/// An instance: program, folder, database, environment.
#[derive(Clone, Debug)]
pub struct Home {
    /// The program.
    pub program: PathBuf,
    /// Its folder.
    pub dir: PathBuf,
    /// The PostgreSQL database; absent for SQLite in the folder.
    pub database: Option<String>,
    /// Variables.
    pub env: Vec<(String, String)>,
}

impl Home {
    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(args)
            .arg("--dir")
            .arg(&self.dir)
            .current_dir(&self.dir)
            .kill_on_drop(true)
            .stdin(Stdio::null());
        // Nothing of the tester's own configuration may leak in.
        for (name, _) in std::env::vars().filter(|(n, _)| n.starts_with("TUESDAY_")) {
            command.env_remove(name);
        }
        command.envs(self.env.iter().cloned());
        if let Some(url) = &self.database {
            command.arg("--database").arg(url);
        }
        command
    }

    /// Runs a command to its end; answers exit code, output and messages.
    pub async fn run(&self, args: &[&str]) -> (i32, String, String) {
        let out = self
            .command(args)
            .output()
            .await
            .expect("the program starts");
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (
            out.status.code().unwrap_or(-1),
            text(out.stdout),
            text(out.stderr),
        )
    }

    /// Runs a command that must succeed with `--json`; answers its object.
    pub async fn json(&self, args: &[&str]) -> Value {
        let (code, out, err) = self.run(&[args, &["--json"]].concat()).await;
        assert_eq!(code, 0, "{args:?}\n{out}\n{err}");
        serde_json::from_str(out.trim()).unwrap_or_else(|e| panic!("{args:?}: {e}\n{out}"))
    }

    /// Writes its `tuesday.toml`. How full the disk of whoever runs the tests is must not open incidents.
    pub fn settings(&self, text: &str) {
        let all = format!("least_free_percent = 0\n{text}");
        std::fs::write(self.dir.join("tuesday.toml"), all).expect("its folder is there");
    }

    /// Makes it a test instance: stages are granted as asked, and its clock can be moved.
    pub async fn prepare(&self) -> Store {
        let store = Store::open(&self.config())
            .await
            .expect("the database opens");
        let id = uuid::Uuid::new_v4().simple().to_string();
        let created_at = tuesday_engine::Clock::System.now();
        let origin = format!("tuesday.local/{id}");
        if !self.dir.join("tuesday.toml").exists() {
            self.settings("");
        }
        store
            .init_instance(&Instance {
                id,
                origin,
                kind: InstanceKind::Test,
                created_at,
                clock_offset: 0,
                restored_at: None,
            })
            .await
            .expect("a new instance");
        store
    }

    /// How the store opens its database.
    #[must_use]
    pub fn config(&self) -> Config {
        self.database.as_ref().map_or_else(
            || Config::sqlite(self.dir.join("tuesday.db")),
            Config::postgres,
        )
    }

    /// Installs a package.
    pub async fn install(&self, package: &Path, vars: &[(&str, &str)]) {
        let package = package.to_string_lossy().into_owned();
        let sets: Vec<String> = vars.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let mut args = vec!["install", package.as_str()];
        for set in &sets {
            args.extend(["--set", set.as_str()]);
        }
        let (code, out, err) = self.run(&args).await;
        assert_eq!(code, 0, "{out}\n{err}");
    }

    /// Makes a token; answers its text.
    pub async fn token(&self, scope: &str, person: Option<&str>) -> String {
        let mut args = vec!["token", "create", "--scope", scope];
        args.extend(person.iter().flat_map(|p| ["--person", p]));
        self.json(&args).await["token"]
            .as_str()
            .expect("a token")
            .to_owned()
    }

    /// Starts `serve` on a free port and waits until it listens, or is dead already.
    pub async fn serve(&self, args: &[&str]) -> Node {
        let args = [&["serve", "--listen", "127.0.0.1:0"], args].concat();
        let mut child = self
            .command(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let log = Arc::new(Mutex::new(String::new()));
        let (found, mut url) = watch::channel(None);
        let (kept, stderr) = (Arc::clone(&log), child.stderr.take().expect("piped"));
        tokio::spawn(async move {
            let mut lines = BufReader::new(stderr).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                if let Some(url) = line.trim().strip_prefix("Console") {
                    found.send_replace(Some(url.trim().to_owned()));
                }
                let mut log = kept.lock().expect("no panic while logging");
                log.push_str(&line);
                log.push('\n');
            }
        });
        // An error here means that the process has ended; the test looks at that itself.
        let url = url
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|u| u.clone())
            .unwrap_or_default();
        Node { child, url, log }
    }

    /// Starts `serve` and waits until it is ready.
    pub async fn ready(&self, args: &[&str]) -> Node {
        let mut node = self.serve(args).await;
        let client = crate::Client::new("");
        let ready = format!("{}/readyz", node.url);
        let pid = node.pid();
        until("the node is ready", || async {
            match client.get(&ready).await {
                Some(a) if a.status == 200 => Some(()),
                _ if std::fs::metadata(format!("/proc/{pid}/stat")).is_err() => {
                    panic!("the node {pid} is gone")
                }
                _ => None,
            }
        })
        .await;
        assert!(node.child.try_wait().unwrap().is_none(), "{}", node.log());
        node
    }
}

/// A running `serve`; killed when dropped.
#[derive(Debug)]
pub struct Node {
    child: Child,
    /// Where it listens.
    pub url: String,
    log: Arc<Mutex<String>>,
}

impl Node {
    /// Its process id.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id().unwrap_or(0)
    }

    /// What it has written so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.log.lock().expect("no panic while logging").clone()
    }

    /// SIGKILL, and reaps it.
    pub async fn kill(mut self) {
        self.child.kill().await.expect("it was running");
    }

    /// Has it ended? With what?
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Is the process gone, or dead and not reaped yet?
    #[must_use]
    pub fn gone(&self) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid()));
        stat.map_or(true, |s| {
            s.rsplit(')')
                .next()
                .is_some_and(|s| s.trim_start().starts_with('Z'))
        })
    }

    /// Waits for its end; answers the signal it died of.
    ///
    /// # Panics
    /// With its log, when it goes on for longer than anything takes.
    pub async fn signal(&mut self) -> Option<i32> {
        self.end_seen().await.signal()
    }

    /// Waits for its end; answers its exit code.
    ///
    /// # Panics
    /// As [`Node::signal`].
    pub async fn code(&mut self) -> Option<i32> {
        self.end_seen().await.code()
    }

    async fn end_seen(&mut self) -> ExitStatus {
        match tokio::time::timeout(PATIENCE, self.child.wait()).await {
            Ok(status) => status.unwrap(),
            Err(_) => panic!("the node goes on:\n{}", self.log()),
        }
    }

    /// SIGTERM, and waits for the orderly end.
    pub async fn stop(mut self) -> ExitStatus {
        let pid = self.pid().to_string();
        let told = Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .await
            .unwrap();
        assert!(
            told.success(),
            "the node was gone before it was stopped:\n{}",
            self.log()
        );
        let status = self.child.wait().await.unwrap();
        if !status.success() {
            eprintln!("the node ended with {status}:\n{}", self.log());
        }
        status
    }
}
