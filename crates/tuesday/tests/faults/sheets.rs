//! Reports as CSV from the real server: a week that is not whole is marked, and how second readers agree is there
//! with its sample and its runs.

use std::io::{Read as _, Write as _};

use crate::bed::{Bed, Case};

/// The body of an address, as text.
fn fetched(url: &str, path: &str, token: &str) -> String {
    let place = url.strip_prefix("http://").unwrap();
    let mut stream = std::net::TcpStream::connect(place).unwrap();
    let request = format!(
        "GET {path} HTTP/1.0\r\nHost: {place}\r\nAuthorization: Bearer {token}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(
        head.contains(" 200 ") && head.contains("text/csv"),
        "{head}"
    );
    body.to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_say_what_is_not_whole_and_what_is_too_little() {
    let bed = Bed::new(None).await;
    let node = bed.home.ready(&[]).await;
    let case = Case::new("c1", "review");
    bed.accounts(std::slice::from_ref(&case));
    bed.finish(&node, &[case]).await;
    let token = bed.home.token("admin", Some("rhea")).await;
    bed.home.json(&["report", "adoption", "faults"]).await;
    let get = |what: &str| {
        let path = format!("/api/v1/workflows/faults/{what}?format=csv");
        tokio::task::block_in_place(|| fetched(&node.url, &path, &token))
    };
    let card = get("scorecard");
    let weeks: Vec<&str> = card
        .lines()
        .skip_while(|l| !l.starts_with("week,"))
        .collect();
    assert!(weeks[0].ends_with(",p95_ms,so_far"), "{card}");
    assert_eq!(weeks.len(), 13, "{card}");
    assert!(weeks[12].ends_with(",yes"), "today is not over: {card}");
    assert!(weeks[1..12].iter().all(|l| l.ends_with(',')), "{card}");
    let drift = get("drift");
    let agreed = |key: &str| {
        let found = drift.lines().find(|l| l.starts_with(&format!("{key},")));
        found.unwrap_or_else(|| panic!("{key}: {drift}")).to_owned()
    };
    for (key, end) in [
        ("agreement", "&kind=looked&tier=%2A"),
        ("tier_agreement", "&kind=looked&tier=desk"),
    ] {
        let line = agreed(key);
        assert!(
            line.contains(",missing,,too few: 0 of 20 second looks in 90 days,"),
            "{line}"
        );
        assert!(line.ends_with(end), "{line}");
    }
    assert!(agreed("kappa").contains(",missing,"), "{drift}");
    bed.end().await;
}
