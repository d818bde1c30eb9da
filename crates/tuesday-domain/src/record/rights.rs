//! What people may do and how they get in: grants, credentials, one-time links, sessions.

use crate::access::Role;
use crate::actor::Class;
use crate::time::Timestamp;
use crate::words::words;

/// One role of one person, for one workflow or for the instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Handle of the person.
    pub person: String,
    /// The role.
    pub role: Role,
    /// The workflow; absent means the instance.
    pub workflow: Option<String>,
    /// The review tier of a specialist reviewer; absent means every tier.
    pub tier: Option<String>,
    /// The highest sensitivity class it shows.
    pub clearance: Class,
    /// Whether it also allows pausing the workflow.
    pub may_pause: bool,
    /// Who granted it.
    pub granted_by: String,
    /// When.
    pub granted_at: Timestamp,
    /// Up to when it holds; absent means until it is taken away.
    pub until: Option<Timestamp>,
}

impl Grant {
    /// A grant with the role's own clearance, by nobody in particular at the beginning of time.
    #[must_use]
    pub fn new(person: impl Into<String>, role: Role, workflow: Option<String>) -> Self {
        Self {
            person: person.into(),
            role,
            workflow,
            tier: None,
            clearance: role.clearance(),
            may_pause: false,
            granted_by: String::new(),
            granted_at: Timestamp::from_micros(0),
            until: None,
        }
    }

    /// Whether it holds at this moment: before its end, not at it.
    #[must_use]
    pub fn holds(&self, now: Timestamp) -> bool {
        self.until.is_none_or(|until| now < until)
    }

    /// Where it holds, in words.
    #[must_use]
    pub fn place(&self) -> &str {
        self.workflow.as_deref().unwrap_or("the instance")
    }
}

words! {
    /// What proves who somebody is.
    CredentialKind {
        /// Hash of a password with its parameters.
        Password = "password",
        /// Secret of one-time codes.
        Totp = "totp",
        /// Hashes of the recovery codes that are left.
        Recovery = "recovery",
        /// Public key of a passkey.
        Passkey = "passkey",
        /// Issuer and subject at an identity provider.
        Oidc = "oidc",
    }
}

/// One way of one person to sign in. Never holds a password or a recovery code in clear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Handle of the person.
    pub person: String,
    /// What it is.
    pub kind: CredentialKind,
    /// Tells several of a kind apart: the passkey's id, issuer and subject; empty where there is one.
    pub name: String,
    /// What the person calls it.
    pub label: String,
    /// JSON, in the form of its kind.
    pub data: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last let somebody in.
    pub used_at: Option<Timestamp>,
}

/// A one-time link that lets a person set up how to sign in. Only the hash of its code is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// SHA-256 of the code.
    pub hash: [u8; 32],
    /// Handle of the person.
    pub person: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was used.
    pub used_at: Option<Timestamp>,
}

words! {
    /// How a session began.
    SignedInBy {
        /// The link that a node prints when it starts.
        Link = "link",
        /// An invitation or a reset.
        Invite = "invite",
        /// An access token.
        Token = "token",
        /// Password alone.
        Password = "password",
        /// Password and a one-time or recovery code.
        PasswordAndCode = "password_and_code",
        /// A passkey.
        Passkey = "passkey",
        /// An identity provider.
        Oidc = "oidc",
        /// Chosen on a demo instance.
        Demo = "demo",
    }
}

/// A person who is signed in. Only the hash of the cookie's token is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// SHA-256 of the token.
    pub hash: [u8; 32],
    /// Handle of the person.
    pub person: String,
    /// How it began.
    pub by: SignedInBy,
    /// The only workflow it reaches, when its token was for one.
    pub workflow: Option<String>,
    /// Goes with every form.
    pub csrf: String,
    /// The browser, in its own words.
    pub agent: String,
    /// When it began.
    pub started_at: Timestamp,
    /// When it was last used, to the minute.
    pub seen_at: Timestamp,
    /// When the person last proved who they are.
    pub fresh_at: Timestamp,
    /// When it ends however busy.
    pub ends_at: Timestamp,
}

words! {
    /// What a ceremony of signing in leads to.
    CeremonyKind {
        /// A new passkey.
        PasskeyNew = "passkey_new",
        /// A session, by passkey.
        PasskeyEnter = "passkey_enter",
        /// A fresh proof, by passkey.
        PasskeyConfirm = "passkey_confirm",
        /// A session, through the identity provider.
        OidcEnter = "oidc_enter",
        /// A fresh proof, through the identity provider.
        OidcConfirm = "oidc_confirm",
    }
}

/// A challenge that was given out and waits for its one answer, on whichever node that arrives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ceremony {
    /// SHA-256 of the handle that goes to the browser and comes back.
    pub hash: [u8; 32],
    /// What it leads to.
    pub kind: CeremonyKind,
    /// The person it is for, when that is known.
    pub person: Option<String>,
    /// The door it was asked for at: `address:` and the SHA-256 of the address.
    pub door: String,
    /// JSON, in the form of its kind.
    pub data: String,
    /// When it stops being answered.
    pub expires_at: Timestamp,
}

/// Wrong guesses in a row at one door: an account or an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Guesses {
    /// `account:` or `address:` and the SHA-256 of its name.
    pub door: String,
    /// How many in a row.
    pub failures: u32,
    /// The last one.
    pub last_at: Timestamp,
}

/// The last time a person used a right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightUse {
    /// Handle of the person.
    pub person: String,
    /// The act, in its word.
    pub act: String,
    /// The workflow; empty for the instance.
    pub workflow: String,
    /// When.
    pub used_at: Timestamp,
}

/// A person who is not there for a while; new work goes to the one who stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Handle of the person.
    pub person: String,
    /// Until when; in the past means that the person is there.
    pub until: Timestamp,
    /// Who stands in; absent means the backup of each workflow.
    pub to: Option<String>,
}
