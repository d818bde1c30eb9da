//! The mailbox for reports behind TLS, from the first byte and by STARTTLS: a certificate that nobody vouches
//! for is refused before the password is sent, one of a known authority is taken.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tuesday_testkit::until;

use crate::bed::Bed;

const SECRET: &str = "canary-of-the-mailbox-5a77";
const MAIL: &str = "From: Kim <kim@customer.example>\r\nTo: reports@example.com\r\nMessage-ID: <t1@customer.example>\r\n\
    Subject: Wrong\r\n\r\nthe price is wrong\r\n";

/// An authority, a certificate of it for `localhost`, and its key, made with openssl.
fn certificates(dir: &Path) -> (PathBuf, PathBuf, PathBuf) {
    let openssl = |line: &str| {
        let done = Command::new("openssl")
            .args(line.split(' '))
            .current_dir(dir)
            .output();
        let done = done.expect("this test needs openssl: install it");
        assert!(done.status.success(), "{line}: {done:?}");
    };
    std::fs::write(dir.join("names"), "subjectAltName=DNS:localhost\n").unwrap();
    openssl("req -x509 -newkey rsa:2048 -nodes -keyout ca.key -out ca.pem -days 2 -subj /CN=tests");
    openssl("req -newkey rsa:2048 -nodes -keyout mail.key -out mail.csr -subj /CN=localhost");
    openssl(
        "x509 -req -in mail.csr -CA ca.pem -CAkey ca.key -CAcreateserial -out mail.pem -days 2 -extfile names",
    );
    (
        dir.join("ca.pem"),
        dir.join("mail.pem"),
        dir.join("mail.key"),
    )
}

/// TLS in front of the stub's mailbox, at once or after STARTTLS.
async fn in_front(dir: &Path, of: String, upgrade: bool) -> (String, PathBuf) {
    let (authority, certificate, key) = certificates(dir);
    let chain: Vec<_> = CertificateDer::pem_file_iter(certificate)
        .unwrap()
        .map(Result::unwrap)
        .collect();
    let key = PrivateKeyDer::from_pem_file(key).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (acceptor, of) = (acceptor.clone(), of.clone());
            tokio::spawn(async move { talk(stream, acceptor, &of, upgrade).await });
        }
    });
    (format!("localhost:{port}"), authority)
}

/// One conversation; one that breaks is the client's matter.
async fn talk(mut stream: TcpStream, tls: TlsAcceptor, of: &str, upgrade: bool) -> Option<()> {
    if upgrade {
        stream.write_all(b"* OK ready\r\n").await.ok()?;
        let mut line = String::new();
        BufReader::new(&mut stream)
            .read_line(&mut line)
            .await
            .ok()?;
        let (tag, verb) = line.trim_end().split_once(' ')?;
        assert_eq!(
            verb, "STARTTLS",
            "nothing comes before it, least of all a password"
        );
        let begin = format!("{tag} OK begin\r\n");
        stream.write_all(begin.as_bytes()).await.ok()?;
    }
    let mut secured = tls.accept(stream).await.ok()?;
    let mut inner = BufReader::new(TcpStream::connect(of).await.ok()?);
    if upgrade {
        // The client was greeted before.
        inner.read_line(&mut String::new()).await.ok()?;
    }
    tokio::io::copy_bidirectional(&mut secured, &mut inner)
        .await
        .ok()?;
    Some(())
}

async fn conversation(upgrade: bool) {
    let mut bed = Bed::new(None).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stub = listener.local_addr().unwrap().to_string();
    let (world, never) = (bed.world.clone(), std::future::pending());
    tokio::spawn(tuesday_stub::imap::serve(listener, world, never));
    let dir = tempfile::tempdir().unwrap();
    let (at, authority) = in_front(dir.path(), stub, upgrade).await;
    let tls = if upgrade { "starttls" } else { "tls" };
    bed.home
        .env
        .push(("TUESDAY_FAULTS_MAILBOX".into(), SECRET.into()));
    bed.home.settings(&format!(
        "[reports.mail]\nserver = \"{at}\"\ntls = \"{tls}\"\nuser = \"reports@example.com\"\n\
         password = \"env:TUESDAY_FAULTS_MAILBOX\"\nevery = \"1s\"\n"
    ));
    bed.world.deliver(MAIL);

    // Nobody vouches for it: refused, and told without the password.
    let (_, said, err) = bed.home.run(&["doctor"]).await;
    assert!(said.contains("TLS"), "{tls}: {said}{err}");
    assert!(
        !said.contains(SECRET) && !err.contains(SECRET),
        "{said}{err}"
    );
    assert_eq!(bed.world.folder("INBOX").len(), 1, "it is where it was");

    // Its authority is one of the machine's.
    let trusted = ("SSL_CERT_FILE".to_owned(), authority.display().to_string());
    bed.home.env.push(trusted);
    let (_, said, err) = bed.home.run(&["doctor"]).await;
    assert!(
        said.contains("it answers, 1 mails wait"),
        "{tls}: {said}{err}"
    );
    let node = bed.home.ready(&[]).await;
    until("the mail is a report", || async {
        let every = tuesday_store::ProblemFilter::default();
        let found = bed.reader().problem_reports(&every, None, 9).await.ok()?;
        found
            .iter()
            .any(|r| r.words.contains("the price is wrong"))
            .then_some(())
    })
    .await;
    until("it is moved", || async {
        bed.world.folder("INBOX").is_empty().then_some(())
    })
    .await;
    assert!(node.stop().await.success());
    bed.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_behind_tls_is_read_when_somebody_vouches_for_it() {
    Box::pin(conversation(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mailbox_behind_starttls_is_read_when_somebody_vouches_for_it() {
    Box::pin(conversation(true)).await;
}
