//! EXI-01: the program turns to nobody but those who are configured. Every connection and every name it asks
//! for is noted by a library that is loaded before it; a licence, an update or telemetry would show.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use tuesday_testkit::Database;

use crate::bed::{Bed, Case, each};

/// The library that notes, built by the C compiler that the workspace needs anyway.
fn noting(dir: &Path) -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults/outbound.c");
    let library = dir.join("outbound.so");
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(source)
        .arg("-ldl")
        .output()
        .expect("missing: a C compiler (cc)");
    assert!(built.status.success(), "{built:?}");
    library.display().to_string()
}

/// What was turned to since the last look, as `connect 127.0.0.1 4321` or `name example.com 0`.
fn noted(file: &Path) -> BTreeSet<String> {
    let text = std::fs::read_to_string(file).unwrap_or_default();
    let _ = std::fs::remove_file(file);
    text.lines().map(str::to_owned).collect()
}

/// Host and port of an address with them in it.
fn place(url: &str) -> String {
    let rest = url.split("://").last().unwrap();
    let rest = rest.rsplit('@').next().unwrap();
    let host = rest.split('/').next().unwrap();
    host.replace(':', " ")
}

async fn story(database: Option<Database>) {
    let mut bed = Bed::new(database).await;
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("noted");
    let more = [
        ("LD_PRELOAD", noting(dir.path())),
        ("TUESDAY_TEST_CAPTURE", file.display().to_string()),
    ];
    bed.home.env.extend(more.map(|(n, v)| (n.to_owned(), v)));
    let cases: Vec<Case> = ["auto", "review", "search", "version", "two", "mail"]
        .iter()
        .enumerate()
        .map(|(i, lane)| Case::new(format!("out{i}"), lane))
        .collect();
    bed.accounts(&cases);
    let node = bed.home.ready(&[]).await;
    bed.finish(&node, &cases).await;
    assert!(node.stop().await.success());
    // What people run beside it: nothing of it calls home either.
    let exported = dir.path().join("export").display().to_string();
    for words in [
        "audit verify",
        "security report",
        "workflow list",
        "workflow show faults",
        "secret check",
        "doctor",
    ] {
        let args: Vec<&str> = words.split(' ').collect();
        let (code, out, err) = bed.home.run(&args).await;
        assert!(code <= 1, "{words}: {code} {out}{err}");
    }
    bed.home.json(&["export", &exported]).await;

    let of = |name: &str| place(bed.vars().iter().find(|v| v.0 == name).unwrap().1);
    let mut configured = BTreeSet::from([of("stub_url"), of("smtp")]);
    configured.extend(bed.home.database.as_deref().map(place));
    let turned: BTreeSet<String> = noted(&file);
    let places: BTreeSet<String> = turned
        .iter()
        .filter_map(|l| {
            l.strip_prefix("connect ")
                .or_else(|| l.strip_prefix("sendto "))
        })
        .map(str::to_owned)
        .collect();
    assert_eq!(
        places, configured,
        "all of them, and nobody else: {turned:?}"
    );
    let names = turned.iter().filter_map(|l| l.strip_prefix("name "));
    let strange: Vec<&str> = names
        .filter(|n| !n.starts_with("127.0.0.1") && !n.starts_with("localhost"))
        .collect();
    assert_eq!(strange, Vec::<&str>::new());

    // And it would show: whoever is configured is noted, by name.
    let config = bed.home.dir.join("tuesday.toml");
    let told = "notify = [{ kind = \"webhook\", url = \"env:FAR_URL\" }]\n";
    std::fs::write(&config, told).unwrap();
    let far = (
        "FAR_URL".to_owned(),
        "https://telemetry.invalid/x".to_owned(),
    );
    bed.home.env.push(far);
    let path = config.display().to_string();
    let test = ["alerts", "test", "--to", "rhea", "--config", &path];
    let (_, out, err) = bed.home.run(&test).await;
    let turned = noted(&file);
    assert!(
        turned.contains("name telemetry.invalid 0"),
        "{turned:?}: {out}{err}"
    );
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_who_is_not_configured() {
    each("outbound", story).await;
}
