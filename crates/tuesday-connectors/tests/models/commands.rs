//! Programs as models.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tuesday_domain::port::{FaultKind, ModelAnswer, ModelFault};

use crate::support::{CANARY, TRANSIENT, ask, request, spec, verdict};

async fn run(script: &str, timeout: Duration) -> Result<ModelAnswer, ModelFault> {
    let extra = json!({"command": ["sh", "-c", script], "auth": {"header": "API_KEY", "secret": "env:KEY"}});
    let mut asked = request(spec("command", "", extra));
    asked.timeout = timeout;
    ask(&asked).await
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn one_object_in_one_object_out() {
    let got = run("printf '{\"output\":'; cat; printf '}'", LONG)
        .await
        .unwrap();
    let sent: Value = serde_json::from_str(&got.text).unwrap();
    assert_eq!(sent["run"], json!("run_01h455vb4pex5vsknk084sn02q"));
    assert_eq!(
        (&sent["attempt"], &sent["facts"]["crm"]["tier"]),
        (&json!(1), &json!("gold"))
    );
    assert_eq!(
        (&sent["prompt"], &sent["system"]),
        (&json!("It \u{202e}broke"), &json!("Sort the ticket."))
    );
}

#[tokio::test]
async fn only_declared_variables_are_seen() {
    let names = "env | cut -d= -f1 | grep -vx -e PWD -e SHLVL -e _ -e OLDPWD | sort | tr '\\n' ' '";
    let got = run(&format!("printf '\"'; {names}; printf '\"'"), LONG)
        .await
        .unwrap();
    let mut seen: Vec<&str> = got.text.split_whitespace().collect();
    seen.retain(|name| !["HOME", "LANG", "PATH"].contains(name));
    assert_eq!(seen, ["API_KEY", "TUESDAY_RUN"]);
    // The value is compared in halves, because the script itself is part of the printable request.
    let (first, second) = CANARY.split_at(5);
    let got = run(
        &format!("[ \"$API_KEY\" = {first}''{second} ] && echo '{{}}'"),
        LONG,
    )
    .await
    .unwrap();
    assert_eq!(got.text, "{}");
}

#[tokio::test]
async fn failures_keep_the_programs_words_but_not_the_secret() {
    let failed = run("echo \"bad key $API_KEY\" >&2; exit 3", LONG).await;
    assert_eq!(verdict(&failed), (TRANSIENT, "command_failed"));
    assert!(failed.unwrap_err().detail.ends_with("bad key [secret]"));
    assert_eq!(
        verdict(&run("echo prose", LONG).await),
        (TRANSIENT, "not_json")
    );
    assert_eq!(
        verdict(&run("kill -9 $$", LONG).await),
        (TRANSIENT, "command_failed")
    );
    assert_eq!(
        verdict(&run("head -c 10000000 /dev/zero", LONG).await),
        (FaultKind::Permanent, "too_large")
    );
    let missing = request(spec(
        "command",
        "",
        json!({"command": ["/no/such/program"]}),
    ));
    assert_eq!(
        verdict(&ask(&missing).await),
        (FaultKind::Permanent, "command_missing")
    );
    let none = request(spec("command", "", json!({"command": []})));
    assert_eq!(
        verdict(&ask(&none).await),
        (FaultKind::Permanent, "misconfigured")
    );
}

#[tokio::test]
async fn a_slow_program_is_killed_with_everything_it_started() {
    let started = Instant::now();
    let late = run(
        "printf abc; sleep 60 & echo $! >&2; wait",
        Duration::from_millis(500),
    )
    .await;
    assert_eq!(verdict(&late), (FaultKind::TimedOut, "timeout"));
    let fault = late.unwrap_err();
    assert_eq!(fault.bytes_received, 3);
    assert!(started.elapsed() < Duration::from_secs(10));
    let child: u32 = fault.detail.rsplit(' ').next().unwrap().parse().unwrap();
    // Killed processes linger for a moment until they are collected; `Z` is dead.
    let alive = || {
        let stat = std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        stat.rsplit(") ")
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
    };
    while alive() {
        assert!(
            started.elapsed() < Duration::from_secs(20),
            "process {child} lives on"
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}
