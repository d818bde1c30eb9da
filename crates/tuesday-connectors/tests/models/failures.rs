//! What a failed call is called, and what is kept of it.

use std::time::Duration;

use serde_json::json;
use tuesday_domain::port::FaultKind;
use tuesday_domain::record::Usage;

use crate::server::{Server, Step, head, json as answer, reply};
use crate::support::{CANARY, HTTP_KINDS, TRANSIENT, ask, ask_kind, request, spec, verdict, whole};

fn wait(seconds: u64) -> FaultKind {
    FaultKind::Transient(Some(Duration::from_secs(seconds)))
}

#[tokio::test]
async fn statuses_map_to_kind_and_code() {
    let permanent = FaultKind::Permanent;
    for (status, kind, code) in [
        (302, permanent, "redirected"),
        (400, permanent, "bad_request"),
        (401, permanent, "unauthorized"),
        (402, permanent, "spend_limit"),
        (403, permanent, "forbidden"),
        (404, permanent, "model_withdrawn"),
        (408, TRANSIENT, "server_timeout"),
        (409, TRANSIENT, "conflict"),
        (413, permanent, "too_large"),
        (422, permanent, "bad_request"),
        (429, TRANSIENT, "rate_limited"),
        (500, TRANSIENT, "server_error"),
        (502, TRANSIENT, "server_error"),
        (503, TRANSIENT, "overloaded"),
        (504, TRANSIENT, "server_error"),
        (529, TRANSIENT, "overloaded"),
    ] {
        for dialect in HTTP_KINDS {
            let body = json!({"type": "error", "error": {"type": "some_error", "message": format!("key {CANARY} is bad")}}).to_string();
            let server =
                Server::once(reply(status, &[("location", "http://127.0.0.1:1/")], &body)).await;
            let result = ask_kind(dialect, &server.url).await;
            assert_eq!(verdict(&result), (kind, code), "{dialect} {status}");
            let fault = result.unwrap_err();
            assert_eq!(
                fault.detail,
                format!("status {status}: some_error: key [secret] is bad")
            );
            assert_eq!(
                (fault.bytes_received, fault.request_hash.is_some()),
                (body.len() as u64, true)
            );
            assert_eq!(server.seen().len(), 1, "no hidden retry");
        }
    }
}

#[tokio::test]
async fn waits_and_spend_limits_are_told_apart() {
    let quota = json!({"error": {"code": "insufficient_quota", "message": "You exceeded your current quota"}}).to_string();
    let billing = json!({"error": {"message": "See your billing page"}}).to_string();
    let credit = json!({"error": {"type": "invalid_request_error", "message": "Your credit balance is too low"}}).to_string();
    let (date, later) = (
        ("date", "Sun, 06 Nov 1994 08:49:37 GMT"),
        ("retry-after", "Sun, 06 Nov 1994 08:50:07 GMT"),
    );
    let seven = ("retry-after", "7");
    for (status, headers, body, kind, code) in [
        (429, vec![seven], "", wait(7), "rate_limited"),
        (429, vec![date, later], "{}", wait(30), "rate_limited"),
        (503, vec![seven], "<html>busy</html>", wait(7), "overloaded"),
        (529, vec![seven], "", wait(7), "overloaded"),
        (
            429,
            vec![seven],
            &quota,
            FaultKind::Permanent,
            "spend_limit",
        ),
        (429, vec![], &quota, FaultKind::Permanent, "spend_limit"),
        (429, vec![], &billing, FaultKind::Permanent, "spend_limit"),
        (429, vec![seven], &billing, wait(7), "rate_limited"),
        (400, vec![], &credit, FaultKind::Permanent, "spend_limit"),
    ] {
        let server = Server::once(reply(status, &headers, body)).await;
        assert_eq!(
            verdict(&ask_kind("openai", &server.url).await),
            (kind, code),
            "{status} {body}"
        );
    }
}

#[tokio::test]
async fn what_is_not_the_protocol_is_never_an_answer() {
    let usage = "\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2}";
    for (body, code) in [
        ("<!doctype html><p>Welcome".to_owned(), "not_json"),
        (String::new(), "not_json"),
        ("prose".to_owned(), "not_json"),
        (format!("{{{usage},\"choices\":[{{\"mess"), "cut_stream"),
        (format!("{{{usage},\"choices\":[]}}"), "not_json"),
        (
            format!("{{{usage},\"error\":{{\"message\":\"upstream {CANARY}\"}}}}"),
            "cut_stream",
        ),
        (
            format!("{{{usage},\"choices\":[],\"choices\":[]}}"),
            "not_json",
        ),
    ] {
        let server = Server::once(reply(200, &[], &body)).await;
        let fault = ask_kind("openai", &server.url).await.unwrap_err();
        assert_eq!((fault.kind, fault.code), (TRANSIENT, code), "{body}");
        assert_eq!(fault.bytes_received, body.len() as u64);
        let booked = body.contains("usage").then_some(Usage {
            input_tokens: 9,
            output_tokens: 2,
        });
        assert_eq!(fault.usage, booked, "{body}");
    }
    for kind in ["anthropic", "http"] {
        let server = Server::once(reply(200, &[("content-type", "text/html")], "<html>")).await;
        assert_eq!(
            verdict(&ask_kind(kind, &server.url).await),
            (TRANSIENT, "not_json"),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn broken_connections_keep_what_arrived() {
    let part = "{\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":2},\"choices\":[{\"mess";
    for kind in HTTP_KINDS {
        let cut = vec![
            Step::Send(head("content-length: 9000")),
            Step::Send(part.into()),
            Step::Send(b"".to_vec()),
            Step::Reset,
        ];
        let server = Server::start(vec![cut]).await;
        let fault = ask_kind(kind, &server.url).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.request_hash.is_some()),
            (TRANSIENT, true),
            "{kind} {fault:?}"
        );
        // A reset may overtake bytes that were already sent, down to the head of the answer.
        assert!(["cut_stream", "reset"].contains(&fault.code), "{fault:?}");

        let closed = vec![
            Step::Send(head("content-length: 9000\r\nconnection: close")),
            Step::Send(part.into()),
        ];
        let fault = ask_kind(kind, &Server::start(vec![closed]).await.url)
            .await
            .unwrap_err();
        assert_eq!(
            (fault.kind, fault.code, fault.bytes_received),
            (TRANSIENT, "cut_stream", part.len() as u64),
            "{kind}"
        );
        assert_eq!(
            fault.usage,
            Some(Usage {
                input_tokens: 9,
                output_tokens: 2
            })
        );

        let fault = ask_kind(kind, &Server::start(vec![vec![Step::Reset]]).await.url)
            .await
            .unwrap_err();
        assert_eq!(
            (fault.kind, fault.code, fault.bytes_received),
            (TRANSIENT, "reset", 0),
            "{kind}"
        );
    }
}

#[tokio::test]
async fn no_connection_means_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let closed = listener.local_addr().unwrap();
    drop(listener);
    // It answers a greeting at once with what is no TLS, and says no more.
    let plain = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = plain.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = plain.accept().await.unwrap();
            tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 1024])
                .await
                .unwrap();
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"this is no TLS")
                .await
                .unwrap();
        }
    });
    for url in [format!("http://{closed}"), format!("https://{at}")] {
        let fault = ask_kind("openai", &url).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.code, fault.request_hash),
            (TRANSIENT, "connect", None),
            "{url} {fault:?}"
        );
    }
}

#[tokio::test]
async fn slow_answers_are_cut_at_the_timeout() {
    let body = whole("openai", "{}").to_string();
    let drip = vec![
        Step::Send(head(&format!("content-length: {}", body.len()))),
        Step::Send(body[..60].into()),
        Step::Drip(body[60..].into(), Duration::from_millis(20)),
    ];
    for (script, least) in [(vec![Step::Hang], 0), (drip, 60)] {
        let server = Server::start(vec![script]).await;
        let mut asked = request(spec("openai", &server.url, json!({})));
        asked.timeout = Duration::from_millis(300);
        let fault = ask(&asked).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.code, fault.request_hash.is_some()),
            (FaultKind::TimedOut, "timeout", true)
        );
        assert!(
            fault.bytes_received >= least && fault.bytes_received < body.len() as u64,
            "{fault:?}"
        );
    }
}

#[tokio::test]
async fn oversize_answers_are_not_read_to_the_end() {
    let large = vec![b' '; 10 * 1024 * 1024];
    let endless = vec![
        Step::Send(head("connection: close")),
        Step::Send(large.clone()),
    ];
    for script in [vec![Step::Send(reply(200, &[], &large))], endless] {
        let server = Server::start(vec![script]).await;
        let fault = ask_kind("openai", &server.url).await.unwrap_err();
        assert_eq!(
            (fault.kind, fault.code),
            (FaultKind::Permanent, "too_large")
        );
        assert!(fault.bytes_received <= 4 * 1024 * 1024);
    }
}

#[tokio::test]
async fn a_missing_secret_or_address_sends_nothing() {
    let server = Server::once(answer(200, &whole("openai", "{}"))).await;
    let absent = json!({"auth": {"header": "Authorization", "secret": "env:ABSENT"}});
    let result = ask(&request(spec("openai", &server.url, absent))).await;
    assert_eq!(verdict(&result), (TRANSIENT, "secret_unavailable"));
    for (url, code) in [
        (json!(null), "misconfigured"),
        (json!("no address"), "misconfigured"),
    ] {
        let result = ask(&request(spec("openai", "", json!({"url": url})))).await;
        assert_eq!(verdict(&result), (FaultKind::Permanent, code));
    }
    assert_eq!(server.seen().len(), 0);
}
