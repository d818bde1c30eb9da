//! Addresses that must not be called.

use tuesday_domain::port::FaultKind;

use crate::server::{Server, json as answer};
use crate::support::{ask_kind, verdict, whole};

#[tokio::test]
async fn metadata_plain_http_and_hidden_loopback_are_refused_unsent() {
    for url in [
        "http://169.254.169.254/latest",
        "https://169.254.169.254/latest",
        "http://models.example/",
        "https://user:canary@models.example/",
        "ftp://127.0.0.1/",
    ] {
        let result = ask_kind("openai", url).await;
        assert_eq!(
            verdict(&result),
            (FaultKind::Permanent, "address_refused"),
            "{url}"
        );
        assert_eq!(result.unwrap_err().request_hash, None);
    }
}

#[tokio::test]
async fn localhost_is_this_machine() {
    let server = Server::once(answer(200, &whole("openai", "{}"))).await;
    let got = ask_kind("openai", &server.url.replace("127.0.0.1", "localhost")).await;
    assert_eq!(got.map(|got| got.text), Ok("{}".to_owned()));
}
