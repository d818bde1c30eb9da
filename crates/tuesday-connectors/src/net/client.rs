//! The shared client: one connection pool, a deadline and a size limit for each call.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Response, Url};
use tokio::time::{Instant, timeout_at};
use tuesday_domain::id::RunId;

use super::fault::{HttpFault, Stage};
use super::policy::HostPolicy;
use super::resolve::{Denied, Guarded};

/// Joins the other side's log with ours.
static RUN_HEADER: HeaderName = HeaderName::from_static("x-tuesday-run");
/// An idle connection is dropped after this long; long enough to be reused under any steady load.
const IDLE: Duration = Duration::from_secs(30);
/// Most idle connections that are kept for one host: the most calls that run at once on one node.
const IDLE_PER_HOST: usize = 512;

/// How the client is set up, once per process.
#[derive(Clone, Debug)]
pub struct HttpOptions {
    /// Which addresses may be reached.
    pub policy: HostPolicy,
    /// Longest wait for name, TCP and TLS together.
    pub connect_timeout: Duration,
    /// PEM bundles of certificate authorities that are trusted beside the system's.
    pub extra_roots: Vec<Vec<u8>>,
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self {
            policy: HostPolicy::default(),
            connect_timeout: Duration::from_secs(5),
            extra_roots: Vec::new(),
        }
    }
}

/// The shared client. Cloning shares the pool.
#[derive(Clone, Debug)]
pub struct Http {
    client: reqwest::Client,
    policy: Arc<HostPolicy>,
}

/// One request.
#[derive(Debug)]
pub struct Outgoing {
    /// Method.
    pub method: Method,
    /// Address, as the definition has it.
    pub url: Url,
    /// Headers beside the run's; values of credentials are marked sensitive.
    pub headers: HeaderMap,
    /// Body; empty for none.
    pub body: Bytes,
    /// The run it belongs to; absent only for calls that belong to none, such as a vault or a notice.
    pub run: Option<RunId>,
    /// Longest time for the whole call, body included.
    pub timeout: Duration,
    /// Most body bytes that are read.
    pub most_bytes: usize,
}

/// An answer of any status.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Status code.
    pub status: u16,
    /// Headers.
    pub headers: HeaderMap,
    /// Body, whole unless it sits in a fault.
    pub body: Bytes,
}

impl Answer {
    /// A header as text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
    /// The media type without parameters, in lower case.
    #[must_use]
    pub fn media_type(&self) -> Option<String> {
        let whole = self.header("content-type")?;
        Some(
            whole
                .split(';')
                .next()
                .unwrap_or(whole)
                .trim()
                .to_ascii_lowercase(),
        )
    }
}

impl Http {
    /// Builds the client.
    ///
    /// # Errors
    /// In words, when a certificate bundle cannot be read or TLS cannot be set up.
    pub fn new(options: HttpOptions) -> Result<Self, String> {
        // Fails only when a provider is installed already, which is just as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        let policy = Arc::new(options.policy);
        let mut roots = Vec::new();
        for bundle in &options.extra_roots {
            roots.extend(
                reqwest::Certificate::from_pem_bundle(bundle)
                    .map_err(|e| format!("a certificate bundle: {}", reason(&e)))?,
            );
        }
        let builder = || {
            reqwest::Client::builder()
                .no_proxy()
                .no_gzip()
                .redirect(reqwest::redirect::Policy::none())
                .retry(reqwest::retry::never())
                .referer(false)
                .user_agent(concat!("tuesday/", env!("CARGO_PKG_VERSION")))
                .tcp_nodelay(true)
                .connect_timeout(options.connect_timeout)
                .pool_idle_timeout(IDLE)
                .pool_max_idle_per_host(IDLE_PER_HOST)
                .dns_resolver(Guarded(Arc::clone(&policy)))
        };
        let client = builder()
            .tls_certs_merge(roots.clone())
            .build()
            .or_else(|error| {
                // A bare container has no certificate store. Everything without TLS must work there all the same, and TLS
                // fails closed: only the extra roots, perhaps none, are trusted.
                tracing::warn!(
                    reason = reason(&error),
                    "no system certificates: https works only with extra roots"
                );
                builder().tls_certs_only(roots).build()
            });
        Ok(Self {
            client: client.map_err(|e| format!("the HTTP client: {}", reason(&e)))?,
            policy,
        })
    }

    /// Sends once and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// [`HttpFault`] says how far it came, with what had arrived.
    pub async fn send(&self, out: Outgoing) -> Result<Answer, HttpFault> {
        let deadline = Instant::now() + out.timeout;
        let most = out.most_bytes;
        self.policy
            .check_url(&out.url)
            .map_err(|detail| HttpFault {
                stage: Stage::Refused,
                detail,
                partial: None,
            })?;
        let request = request(out);
        let response = match timeout_at(deadline, self.client.execute(request)).await {
            Ok(Ok(response)) => response,
            Ok(Err(error)) => return Err(unanswered(&error)),
            Err(_) => {
                return Err(HttpFault {
                    stage: Stage::TimedOut,
                    detail: "no answer in time".into(),
                    partial: None,
                });
            }
        };
        read(response, deadline, most).await
    }
}

fn request(out: Outgoing) -> Request {
    let mut request = Request::new(out.method, out.url);
    *request.headers_mut() = out.headers;
    if let Some(value) = out
        .run
        .and_then(|run| HeaderValue::from_str(&run.to_string()).ok())
    {
        request.headers_mut().insert(RUN_HEADER.clone(), value);
    }
    if !out.body.is_empty() {
        *request.body_mut() = Some(out.body.into());
    }
    request
}

async fn read(mut response: Response, deadline: Instant, most: usize) -> Result<Answer, HttpFault> {
    let status = response.status().as_u16();
    let headers = std::mem::take(response.headers_mut());
    let declared = response
        .content_length()
        .and_then(|length| usize::try_from(length).ok());
    let mut body = BytesMut::new();
    let broken = loop {
        if declared.is_some_and(|length| length > most) || body.len() > most {
            body.truncate(most);
            break Some((
                Stage::TooLarge,
                format!("the answer is larger than {most} bytes"),
            ));
        }
        match timeout_at(deadline, response.chunk()).await {
            Ok(Ok(Some(chunk))) if body.is_empty() && declared == Some(chunk.len()) => {
                // The usual small answer arrives in one piece and is not copied.
                return Ok(Answer {
                    status,
                    headers,
                    body: chunk,
                });
            }
            Ok(Ok(Some(chunk))) => body.extend_from_slice(&chunk),
            Ok(Ok(None)) => break None,
            Ok(Err(error)) => break Some((Stage::Cut, reason(&error))),
            Err(_) => break Some((Stage::TimedOut, "the answer did not end in time".to_owned())),
        }
    };
    let answer = Answer {
        status,
        headers,
        body: body.freeze(),
    };
    match broken {
        None => Ok(answer),
        Some((stage, detail)) => Err(HttpFault {
            stage,
            detail,
            partial: Some(Box::new(answer)),
        }),
    }
}

fn unanswered(error: &reqwest::Error) -> HttpFault {
    let stage = if causes(error).any(|cause| cause.downcast_ref::<Denied>().is_some()) {
        Stage::Refused
    } else if error.is_connect() {
        Stage::Connect
    } else if error.is_timeout() {
        Stage::TimedOut
    } else {
        Stage::NoAnswer
    };
    HttpFault {
        stage,
        detail: reason(error),
        partial: None,
    }
}

/// The chain below reqwest's own error. That one is left out because it repeats the address, whose query may hold anything.
fn causes(error: &reqwest::Error) -> impl Iterator<Item = &(dyn std::error::Error + 'static)> {
    std::iter::successors(std::error::Error::source(error), |cause| cause.source())
}

fn reason(error: &reqwest::Error) -> String {
    let mut words: Vec<String> = causes(error).map(ToString::to_string).collect();
    words.dedup();
    if words.is_empty() {
        "the request could not be made".to_owned()
    } else {
        words.join(": ")
    }
}
