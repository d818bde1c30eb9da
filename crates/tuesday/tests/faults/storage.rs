//! A volume that is full, an audit table that takes nothing, a database that is gone: intake
//! refuses, nothing is half-done, and work goes on by itself afterwards.
//!
//! A full volume is a small tmpfs; where this user may not mount one, the test runs itself again in
//! a namespace of its own. A file that may not grow needs no rights at all, so running out of room
//! is tested everywhere.

use std::path::Path;
use std::process::Command;

use serde_json::json;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tuesday_testkit::check::read_all;
use tuesday_testkit::{Client, Database, until};

use crate::bed::{Bed, Case, each};

/// A small volume; unmounted when dropped.
struct Volume(tempfile::TempDir);

impl Volume {
    /// `None` where mounting is not allowed.
    fn mount(megabytes: u32) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let size = format!("size={megabytes}m");
        let done = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &size, "tmpfs"])
            .arg(dir.path())
            .output();
        done.is_ok_and(|o| o.status.success()).then_some(Self(dir))
    }

    /// Fills what is left.
    fn fill(&self) -> std::path::PathBuf {
        use std::io::Write as _;
        let path = self.0.path().join("ballast");
        let mut file = std::fs::File::create(&path).unwrap();
        for block in [1 << 16, 1 << 12, 1] {
            while file.write_all(&vec![0; block]).is_ok() {}
        }
        path
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        // What a failed test leaves behind must not keep the volume.
        drop(Command::new("umount").arg("-l").arg(self.0.path()).status());
    }
}

/// Set in the process that runs a test again with mount rights of its own.
const INSIDE: &str = "TUESDAY_TEST_INSIDE";

/// Runs `test` once more in a user and mount namespace of its own. False where that is not allowed
/// either.
fn again_in_a_namespace(test: &str) -> bool {
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--mount"]);
    let allowed = std::env::var_os(INSIDE).is_none()
        && Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "true"])
            .output()
            .is_ok_and(|o| o.status.success());
    if !allowed {
        return false;
    }
    unshare
        .arg(std::env::current_exe().unwrap())
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1");
    assert!(unshare.status().unwrap().success(), "inside the namespace");
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_volume_refuses_and_recovers() {
    let Some(volume) = Volume::mount(24) else {
        if !again_in_a_namespace("storage::a_full_volume_refuses_and_recovers") {
            println!("neither mount nor unshare is allowed here: a limit of the file size instead");
            grow_no_more().await;
        }
        return;
    };
    let bed = Bed::within(tempfile::tempdir_in(volume.0.path()).unwrap(), None).await;
    let mut cases: Vec<Case> = (0..20)
        .map(|i| Case::new(format!("before{i}"), "auto"))
        .collect();
    let later: Vec<Case> = (0..400)
        .map(|i| Case::new(format!("full{i}"), "auto"))
        .collect();
    bed.accounts(&cases);
    bed.accounts(&later);
    let node = bed.home.ready(&[]).await;
    for case in &cases {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    let ballast = volume.fill();
    // The log has room left in what it already owns; sooner or later it needs more.
    let mut refused = None;
    for case in later {
        match bed.send(&node.url, &case).await {
            Some(202) => cases.push(case),
            Some(status @ (503 | 507)) => {
                refused = Some((case, status));
                break;
            }
            other => panic!("on a full volume intake answered {other:?}\n{}", node.log()),
        }
    }
    let (case, status) = refused.expect("a full volume refuses");
    let client = Client::new("");
    assert_eq!(
        client
            .get(&format!("{}/healthz", node.url))
            .await
            .map(|a| a.status),
        Some(200)
    );
    println!("full after {} cases: {status}", cases.len());
    assert!(
        !read_all(&bed.reader()).await.contains_key(&case.id),
        "a refused event left a run"
    );
    std::fs::remove_file(ballast).unwrap();
    cases.push(case);
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert_eq!(ends.len(), cases.len());
    for (event, end) in &ends {
        assert!(
            end.starts_with("completed written_back"),
            "{event} ends as {end}"
        );
    }
}

/// A node whose files may not grow beyond what they are: the write fails in the middle of a commit.
/// It refuses, or ends because that commit's outcome is unknown; a node with room finds everything.
async fn grow_no_more() {
    let mut bed = Bed::new(None).await;
    // The limit's signal would kill before anybody could answer; ignored, writing is an error.
    let wrapper = bed.home.dir.join("limited.sh");
    let program = std::mem::replace(&mut bed.home.program, wrapper.clone());
    let script = format!(
        "#!/bin/sh\ntrap '' XFSZ\nexec '{}' \"$@\"\n",
        program.display()
    );
    std::fs::write(&wrapper, script).unwrap();
    std::fs::set_permissions(
        &wrapper,
        std::os::unix::fs::PermissionsExt::from_mode(0o755),
    )
    .unwrap();
    let mut cases = vec![Case::new("before", "auto")];
    let later: Vec<Case> = (0..400)
        .map(|i| Case::new(format!("limited{i}"), "auto"))
        .collect();
    bed.accounts(&cases);
    bed.accounts(&later);
    let mut node = bed.home.ready(&[]).await;
    bed.finish(&node, &cases).await;
    let log = std::fs::metadata(bed.home.dir.join("tuesday.db-wal")).unwrap();
    let limit = format!("--fsize={}", log.len());
    let limited = Command::new("prlimit")
        .args(["--pid", &node.pid().to_string(), &limit])
        .status()
        .expect("missing: prlimit (package util-linux)");
    assert!(limited.success(), "the limit is set");
    let mut refused = None;
    for case in later {
        match bed.send(&node.url, &case).await {
            Some(202) => cases.push(case),
            other => {
                refused = Some((case, other));
                break;
            }
        }
    }
    let (case, status) = refused.expect("without room intake refuses");
    match status {
        Some(503 | 507) => {}
        None => {
            until("the node is ending", || async { node.gone().then_some(()) }).await;
            let code = node.code().await;
            assert_eq!(code, Some(70), "it ends on purpose\n{}", node.log());
        }
        other => panic!("without room intake answered {other:?}\n{}", node.log()),
    }
    println!("no room after {} cases: {status:?}", cases.len());
    if node.gone() {
        drop(node);
    } else {
        node.kill().await;
    }
    bed.home.program = program;
    let node = bed.home.ready(&[]).await;
    cases.push(case);
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    let ends = bed.check().await;
    assert_eq!(ends.len(), cases.len());
    for (event, end) in &ends {
        assert!(
            end.starts_with("completed written_back"),
            "{event} ends as {end}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_may_not_grow_loses_nothing() {
    grow_no_more().await;
}

/// Makes the audit table refuse, behind the product's back.
async fn forbid(bed: &Bed) {
    match &bed.database {
        None => sqlite(
            bed,
            "CREATE TRIGGER boom BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'no'); END",
        ),
        Some(db) => {
            db.raw("CREATE FUNCTION boom() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
                CREATE TRIGGER boom BEFORE INSERT ON audit FOR EACH ROW EXECUTE FUNCTION boom()").await;
        }
    }
}

async fn allow(bed: &Bed) {
    match &bed.database {
        None => sqlite(bed, "DROP TRIGGER boom"),
        Some(db) => db.raw("DROP TRIGGER boom ON audit").await,
    }
}

pub(crate) fn sqlite(bed: &Bed, sql: &str) {
    let conn = rusqlite::Connection::open(bed.home.dir.join("tuesday.db")).unwrap();
    conn.busy_timeout(std::time::Duration::from_secs(10))
        .unwrap();
    conn.execute_batch(sql).unwrap();
}

async fn no_audit(database: Option<Database>) {
    let bed = Bed::new(database).await;
    let cases = [Case::new("before", "review"), Case::new("during", "auto")];
    bed.accounts(&cases);
    let node = bed.home.ready(&[]).await;
    assert_eq!(bed.send(&node.url, &cases[0]).await, Some(202));
    let filter = tuesday_store::QueueFilter::default();
    let task = until("the task is open", || async {
        bed.reader()
            .review_page(&filter, None, 1)
            .await
            .ok()?
            .first()
            .cloned()
    })
    .await;
    let before = read_all(&bed.reader()).await;
    forbid(&bed).await;
    let event = bed
        .client
        .post(
            &format!("{}/api/v1/triggers/faults", node.url),
            &cases[1].event(),
        )
        .await
        .expect("an answer");
    assert_eq!(
        (event.status, event.code()),
        (503, "audit_unavailable"),
        "{event:?}"
    );
    let approval = format!("{}/api/v1/reviews/{}/approval", node.url, task.id);
    let decision = bed.reviewers[0]
        .1
        .post(&approval, &json!({}))
        .await
        .expect("an answer");
    assert_eq!(
        (decision.status, decision.code()),
        (503, "audit_unavailable"),
        "{decision:?}"
    );
    let after = read_all(&bed.reader()).await;
    assert_eq!(after.len(), before.len(), "I5: a run without its entry");
    for (event, found) in &after {
        assert_eq!(
            found.run, before[event].run,
            "I5: a change without its entry"
        );
        assert_eq!(
            found.reviews, before[event].reviews,
            "I5: a decision without its entry"
        );
        assert_eq!(found.entries, before[event].entries);
    }
    assert!(
        bed.effects().iter().all(|e| !e.applied),
        "I6: written without a record"
    );
    allow(&bed).await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    bed.check().await;
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_happens_without_its_entry() {
    each("an audit table that refuses", no_audit).await;
}

/// A way to the database server that can be cut.
async fn cable(to: String) -> (String, watch::Sender<bool>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = listener.local_addr().unwrap().to_string();
    let (whole, state) = watch::channel(true);
    tokio::spawn(async move {
        while let Ok((mut near, _)) = listener.accept().await {
            let (mut state, to) = (state.clone(), to.clone());
            tokio::spawn(async move {
                if !*state.borrow() {
                    return;
                }
                let mut far = TcpStream::connect(&to).await.unwrap();
                tokio::select! {
                    _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                    _ = state.wait_for(|whole| !whole) => {}
                }
            });
        }
    });
    (at, whole)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_gone_is_said_and_comes_back() {
    let database = Database::create().await;
    let url = database.url();
    let (head, rest) = url
        .split_once('@')
        .expect("postgres://user@host:port/database");
    let (server, name) = rest.split_once('/').unwrap();
    let (at, whole) = cable(server.to_owned()).await;
    let through = format!("{head}@{at}/{name}");
    let mut bed = Bed::new(Some(database)).await;
    bed.home.database = Some(through);
    let cases: Vec<Case> = (0..30)
        .map(|i| Case::new(format!("g{i:02}"), "auto"))
        .collect();
    bed.accounts(&cases);
    let mut node = bed.home.ready(&[]).await;
    for case in &cases[..15] {
        assert_eq!(bed.send(&node.url, case).await, Some(202));
    }
    // With nothing under way no commit is in doubt, and the node lives through the loss.
    bed.finish(&node, &cases[..15]).await;
    whole.send_replace(false);
    let client = Client::new("");
    until("the node says that it is not ready", || async {
        match client.get(&format!("{}/readyz", node.url)).await {
            Some(answer) => (answer.status == 503).then_some(()),
            None if node.gone() => Some(()),
            None => panic!("readyz hangs\n{}", node.log()),
        }
    })
    .await;
    // An unknown commit ends the process by design; then the next start reads what is stored.
    let alive = client.get(&format!("{}/healthz", node.url)).await;
    assert!(node.gone() || alive.is_some_and(|a| a.status == 200));
    let answers =
        futures::future::join_all(cases[15..].iter().map(|c| bed.send(&node.url, c))).await;
    let refused = |a: &Option<u16>| *a == Some(503) || (a.is_none() && node.gone());
    assert!(
        answers.iter().all(refused),
        "no request hangs, none is accepted: {answers:?}\n{}",
        node.log()
    );
    whole.send_replace(true);
    until("the node is back, or ended", || async {
        let ready = client.get(&format!("{}/readyz", node.url)).await;
        (node.gone() || ready.is_some_and(|a| a.status == 200)).then_some(())
    })
    .await;
    if let Some(status) = node.ended() {
        println!("the node ended with {status}: a commit's outcome was unknown");
        bed.pass_leases().await;
        node = bed.home.ready(&[]).await;
    }
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    bed.home.database = bed.database.as_ref().map(Database::url);
    assert_eq!(bed.check().await.len(), cases.len());
    bed.end().await;
}

#[test]
fn the_package_is_there() {
    assert!(
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/faults/package/workflow.toml")
            .is_file()
    );
}
