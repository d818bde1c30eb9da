//! Commands beside a running server: the server works, the command watches.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStderr, Stdio};

use crate::{Desk, text};

/// Ends the server with the test.
pub(crate) struct Served(Child, BufReader<ChildStderr>);

impl Served {
    /// Serves the desk's folder, once it answers.
    pub(crate) fn on(desk: &Desk) -> Self {
        let mut child = desk
            .command(&["serve", "--listen", "127.0.0.1:0"])
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut served = Self(child, stderr);
        let mut said = served.1.by_ref().lines().map_while(Result::ok);
        let started = said.any(|line| line.contains("Console"));
        assert!(started, "the server did not start");
        served
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn commands_work_beside_a_running_server() {
    let desk = Desk::installed();
    let served = Served::on(&desk);
    let second = desk.run(&["serve", "--listen", "127.0.0.1:0"]).with(5);
    assert!(
        second.err.contains("another server is running"),
        "{}",
        second.err
    );
    let run = desk.start("own", r#"{"id":"R-1","text":"Please call"}"#);
    assert_eq!(text(&run, "/status"), "in_review");
    let task = desk.task();
    let done = desk
        .run(&[
            "--json",
            "review",
            "approve",
            &task,
            "--as",
            "ana",
            "--all-checked",
            "--wait",
        ])
        .ok()
        .json();
    assert_eq!(text(&done, "/run/outcome"), "written_back");
    let doctor = desk.run(&["doctor"]).ok();
    assert!(doctor.out.contains("a server is running"), "{}", doctor.out);
    desk.run(&["backup", "while-serving.db"]).ok();
    drop(served);
}
