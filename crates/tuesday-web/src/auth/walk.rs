//! Every role walks to every address: what the matrix grants is let in, all else is refused and kept.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, header};
use axum::response::Response;
use serde_json::json;
use tower::ServiceExt as _;
use tuesday_domain::access::{Act, Role, may};
use tuesday_domain::actor::Actor;
use tuesday_domain::record::{Grant, Person, Scope, SignedInBy};
use tuesday_engine::ops::{ABSOLUTE, NewSession, NewToken};
use tuesday_engine::{Clock, Engine, EngineConfig};
use tuesday_store::{AuditFilter, Config, Instance, InstanceKind, Store};
use tuesday_testkit::fakes::Fakes;

use super::doors::{DOORS, Door};
use crate::WebConfig;

pub(super) const URL: &str = "https://tuesday.example";

pub(super) struct Walk {
    pub(super) engine: Engine,
    pub(super) router: axum::Router,
    _dir: tempfile::TempDir,
}

impl Walk {
    pub(super) async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::open(&Config::sqlite(dir.path().join("tuesday.db")))
            .await
            .unwrap();
        let instance = Instance {
            id: "walk".into(),
            origin: "tuesday.local/walk".into(),
            kind: InstanceKind::Test,
            created_at: Clock::System.now(),
            clock_offset: 0,
            restored_at: None,
        };
        store.init_instance(&instance).await.unwrap();
        let config = EngineConfig {
            node: "walk".into(),
            lease: Duration::from_secs(30),
            slots: 0,
            events_per_second: None,
            restored_at: None,
            retention: tuesday_domain::privacy::RetentionLimits::default(),
            public_url: URL.into(),
            signer: None,
            checkpoint_file: None,
            fatal: Arc::new(|why| panic!("{why}")),
            space: None,
            least_free_percent: 10,
            crash: None,
        };
        let ports = Fakes::new(&json!({})).ports();
        let engine = Engine::new(store, ports, Clock::System, config);
        Self {
            router: crate::router(engine.clone(), WebConfig::new(URL)),
            engine,
            _dir: dir,
        }
    }

    /// A person with this one role; answers a cookie and an admin token of theirs.
    pub(super) async fn person(&self, role: Role) -> (String, String) {
        let by = Actor::Person("ada".into());
        let handle = role.word().to_owned();
        let person = Person {
            handle: handle.clone(),
            name: handle.clone(),
            email: format!("{handle}@example.com"),
            active: true,
        };
        self.engine.invite(person, "walk", &by).await.unwrap();
        let grant = Grant::new(handle.clone(), role, None);
        self.engine.grant(grant, "walk", &by).await.unwrap();
        let new = NewSession {
            person: handle.clone(),
            by: SignedInBy::Passkey,
            workflow: None,
            agent: "walk".into(),
            life: ABSOLUTE,
        };
        let cookie = self.engine.start_session(new).await.unwrap();
        let new = NewToken {
            scope: Scope::Admin,
            workflow: None,
            person: Some(handle),
            life: Duration::from_secs(600),
        };
        let (token, _) = self.engine.create_token(new, &by).await.unwrap();
        (format!("__Host-tuesday_session={cookie}"), token)
    }

    async fn ask(&self, method: &str, path: &str, who: Option<&(String, String)>) -> Response {
        let json = body(method, path);
        let path = path
            .replace("/runs/{id}", "/runs/run_00000000000000000000000001")
            .replace("/reviews/{id}", "/reviews/rev_00000000000000000000000001")
            .replace("{version}", "1")
            .replace("{number}", "1")
            .replace(['{', '}'], "");
        let mut request = Request::builder()
            .method(method.parse::<Method>().unwrap())
            .uri(path)
            .header("sec-fetch-site", "same-origin");
        if let Some((cookie, token)) = who {
            request = request
                .header(header::COOKIE, cookie)
                .header(header::AUTHORIZATION, format!("Bearer {token}"));
        }
        let kind = match &json {
            Some(_) => "application/json",
            None => "application/x-www-form-urlencoded",
        };
        let request = request.header(header::CONTENT_TYPE, kind);
        let bytes = json.map(|b| b.to_string()).unwrap_or_default();
        let request = request.body(Body::from(bytes)).unwrap();
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn newest(&self) -> (Option<u64>, String) {
        let filter = AuditFilter::default();
        let rows = self
            .engine
            .reader()
            .audit_page(&filter, None, 1)
            .await
            .unwrap();
        let row = rows.first().unwrap();
        (row.index, row.kind.clone())
    }
}

/// A body that the address understands, for what is done to people and tokens by machines: refused for
/// the role, or for what it names, and never for its form.
fn body(method: &str, path: &str) -> Option<serde_json::Value> {
    let why = json!({"reason": "walk"});
    let role = json!({"role": "reviewer", "workflow": "small", "reason": "walk"});
    match (method, path) {
        ("POST", "/api/v1/people") => Some(
            json!({"handle": "newcomer", "name": "New Comer", "email": "new.comer@example.com", "reason": "walk"}),
        ),
        (
            "POST",
            "/api/v1/people/{handle}/grants" | "/api/v1/people/{handle}/grants/withdrawal",
        ) => Some(role),
        ("POST", "/api/v1/tokens") => {
            Some(json!({"scope": "trigger", "workflow": "small", "days": 1}))
        }
        ("POST", path)
            if path.starts_with("/api/v1/people/") || path.starts_with("/api/v1/tokens/") =>
        {
            Some(why)
        }
        _ => None,
    }
}

fn keyed() -> impl Iterator<Item = (&'static str, &'static str, Act)> {
    DOORS.iter().filter_map(|(m, p, door)| match door {
        Door::Key(act) => Some((*m, *p, *act)),
        Door::Open | Door::Nobody => None,
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_at_every_address() {
    let walk = Walk::new().await;
    for role in Role::ALL.iter().filter(|r| **r != Role::MachineIdentity) {
        let who = walk.person(*role).await;
        for (method, path, act) in keyed().filter(|d| d.2 != Act::OwnAccount) {
            let before = walk.newest().await.0;
            let answer = walk.ask(method, path, Some(&who)).await;
            let status = answer.status().as_u16();
            // A stream of events never ends; being let in is all there is to see.
            let streams = answer.headers().get(header::CONTENT_TYPE);
            let bytes = match streams.filter(|t| *t == "text/event-stream") {
                Some(_) => Vec::new().into(),
                None => to_bytes(answer.into_body(), 1 << 20).await.unwrap(),
            };
            let refused = status == 403 && String::from_utf8_lossy(&bytes).contains("not_allowed");
            assert_eq!(
                refused,
                !may(*role, act),
                "{role} {method} {path}: {status}"
            );
            assert_ne!(status, 401, "{role} {method} {path}");
            if body(method, path).is_some() && !refused {
                assert!(
                    ![415, 422].contains(&status) && (status != 400 || path.contains('{')),
                    "{role} {method} {path}: {status} {}",
                    String::from_utf8_lossy(&bytes)
                );
            }
            if refused {
                let (index, kind) = walk.newest().await;
                assert_eq!(kind, "access.refused", "{role} {method} {path}");
                assert_ne!(index, before, "{role} {method} {path}: no event of its own");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_gets_in_anywhere_and_every_answer_has_the_headers() {
    let walk = Walk::new().await;
    for (method, path, door) in DOORS {
        let answer = walk.ask(method, path, None).await;
        let headers = answer.headers().clone();
        let told = |name: &str| {
            let value = headers
                .get(name)
                .unwrap_or_else(|| panic!("{path}: no {name}"));
            value.to_str().unwrap().to_owned()
        };
        assert!(
            told("content-security-policy").starts_with("default-src 'none'"),
            "{path}"
        );
        assert!(
            !told("content-security-policy").contains("unsafe"),
            "{path}"
        );
        assert_eq!(told("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(told("referrer-policy"), "no-referrer", "{path}");
        assert_eq!(told("cross-origin-opener-policy"), "same-origin", "{path}");
        assert!(
            told("strict-transport-security").contains("max-age="),
            "{path}"
        );
        assert!(!told("cache-control").is_empty(), "{path}");
        if matches!(door, Door::Key(_)) {
            let status = answer.status().as_u16();
            let to_sign_in = headers
                .get(header::LOCATION)
                .is_some_and(|l| l == "/sign-in");
            assert!(
                status == 401 || (status == 303 && to_sign_in),
                "{method} {path}: {status}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_is_taken_away_is_gone_with_the_next_request() {
    let walk = Walk::new().await;
    let who = walk.person(Role::Auditor).await;
    assert_eq!(walk.ask("GET", "/audit", Some(&who)).await.status(), 200);
    let by = Actor::Person("ada".into());
    let grant = Grant::new("auditor", Role::Auditor, None);
    walk.engine.revoke(&grant, "moved on", &by).await.unwrap();
    assert_eq!(walk.ask("GET", "/audit", Some(&who)).await.status(), 403);
    assert_eq!(walk.ask("GET", "/account", Some(&who)).await.status(), 200);
}

/// What changes people and tokens wants a token of scope `admin`, whoever it belongs to; and each use is
/// an entry that names the token.
#[tokio::test(flavor = "multi_thread")]
async fn only_an_admin_token_changes_people_and_its_use_is_kept() {
    let walk = Walk::new().await;
    let administrator = walk.person(Role::Administrator).await;
    let owner = walk.person(Role::OperatorOwner).await;
    let security = walk.person(Role::SecurityApprover).await;
    let by = Actor::Person("ada".into());
    let changing =
        || keyed().filter(|(m, p, act)| *m != "GET" && p.starts_with("/api/") && act.step_up());
    assert!(changing().count() >= 8);
    for scope in [Scope::Read, Scope::Review, Scope::Trigger] {
        let new = NewToken {
            scope,
            workflow: None,
            person: None,
            life: Duration::from_secs(600),
        };
        let token = async |role: Role| {
            let person = Some(role.word().to_owned());
            let new = NewToken {
                person,
                ..new.clone()
            };
            walk.engine.create_token(new, &by).await.unwrap().0
        };
        let administrator = token(Role::Administrator).await;
        let owner = token(Role::OperatorOwner).await;
        let security = token(Role::SecurityApprover).await;
        for (method, path, act) in changing() {
            let who = if may(Role::OperatorOwner, act) {
                &owner
            } else if may(Role::SecurityApprover, act) {
                &security
            } else {
                &administrator
            };
            let who = (String::new(), who.clone());
            let answer = walk.ask(method, path, Some(&who)).await;
            assert_eq!(answer.status(), 403, "{scope} {method} {path}");
        }
    }
    for (method, path, act) in changing() {
        let before = walk.newest().await.0;
        let answer = walk
            .ask(
                method,
                path,
                Some(if may(Role::OperatorOwner, act) {
                    &owner
                } else if may(Role::SecurityApprover, act) {
                    &security
                } else {
                    &administrator
                }),
            )
            .await;
        let status = answer.status();
        let filter = AuditFilter {
            kind: Some("access.by_token".into()),
            ..AuditFilter::default()
        };
        let kept = walk
            .engine
            .reader()
            .audit_page(&filter, None, 1)
            .await
            .unwrap();
        let kept = kept
            .first()
            .unwrap_or_else(|| panic!("{method} {path}: {status}, not kept"));
        assert!(
            kept.index > before,
            "{method} {path}: {status}, no entry of its own"
        );
        let leaf = String::from_utf8_lossy(&kept.leaf).into_owned();
        assert!(leaf.contains("tok_") && leaf.contains(act.word()), "{leaf}");
    }
}
