//! A case: what comes in, and what is expected to come of it.

use std::fs;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, header};

use super::json;
use super::message::{self, Wrong};
use super::pattern;
use super::sections::{Kind, Mistake, Section, sections};
use crate::config::file::{Mistakes, TomlDocument};
use crate::config::{self, ConfigErrors};
use crate::interceptor::Hook;
use crate::message::{Checked, Known, ResponseHead, Scheme, Side, hygiene};
use crate::tools::conditions::Conditions;

/// What stands for a message that there is none of.
pub(super) const NONE: &str = "none";

/// What an error can come from.
const HOOKS: [Hook; 5] = [
    Hook::ForwardRequest,
    Hook::ReturnResponse,
    Hook::Handle,
    Hook::Body(Side::Request),
    Hook::Body(Side::Response),
];

const NO_ERROR: &str = "expected `forward-request: TEXT` or `return-response: TEXT`, or `handle: TEXT` of a standard \
    component; without an error leave the section out";

/// One exchange with what is expected of it.
#[derive(Debug)]
pub(super) struct Case {
    /// What it is called and filtered by: its file's name, with `#2` for the second entry of a HAR.
    pub name: String,
    pub input: Input,
    pub expect: Expect,
    /// The entry of a HAR, counted from 1.
    pub entry: Option<usize>,
}

/// What a plugin gets.
#[derive(Debug)]
pub(super) struct Input {
    /// Those of the project, with what the case says otherwise.
    pub conditions: Conditions,
    pub scheme: Scheme,
    /// As the chain sees it: without fields of the connection, the authority in `host`.
    pub request: Request<Bytes>,
    /// What the backend answers.
    pub response: Response<Bytes>,
}

/// What shall come of it. What is absent is not compared, except an error.
#[derive(Debug, Default)]
pub(super) struct Expect {
    /// What reaches the backend, or nothing.
    pub request: Option<Option<Request<Bytes>>>,
    /// The answer, or none.
    pub response: Option<Option<Response<Bytes>>>,
    pub error: Option<String>,
    pub log: Option<Vec<String>>,
}

impl Expect {
    pub(super) fn is_empty(&self) -> bool {
        self.request.is_none()
            && self.response.is_none()
            && self.error.is_none()
            && self.log.is_none()
    }
}

/// A file of cases with its text, to be updated.
#[derive(Debug)]
pub(super) struct CaseFile {
    /// Where the expectations stand: the file itself, or what lies beside a HAR.
    pub path: PathBuf,
    pub text: Vec<u8>,
    pub sections: Vec<Section>,
    pub cases: Vec<Case>,
}

/// Reads a `.http` file, which is one case, to be run under these conditions unless it says otherwise.
pub(super) fn read(path: &Path, conditions: &Conditions) -> Result<CaseFile, Mistake> {
    let text = fs::read(path).map_err(|error| Mistake {
        path: path.to_owned(),
        line: 1,
        problem: format!("can't be read: {error}"),
    })?;
    let sections = sections(path, &text, false)?;
    let reader = Reader { path, text: &text };
    let name = path
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let case = Case {
        name,
        input: reader.input(&sections, conditions)?,
        expect: reader.expect(&sections, None)?,
        entry: None,
    };
    Ok(CaseFile {
        path: path.to_owned(),
        sections,
        cases: vec![case],
        text,
    })
}

/// Makes a request what the chain sees of it.
///
/// # Errors
/// Why the host would refuse it.
pub(super) fn receive(request: Request<Bytes>) -> Result<(Scheme, Request<Bytes>), String> {
    let (parts, body) = request.into_parts();
    let scheme = match parts.uri.scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    check_length(&parts.headers, &body)?;
    let mut head = message::head_of(&parts).map_err(|error| error.to_string())?;
    if !head.fields.contains(Known::Host) {
        // A convenience: HTTP/1.1 wants the host beside a whole URL too, and only HTTP/1.0 may leave it out.
        match head
            .authority
            .as_deref()
            .and_then(|host| Checked::new(host.as_bytes()))
        {
            Some(host) => head.fields.insert(Known::Host, host),
            None => head.version = http::Version::HTTP_10,
        }
    }
    hygiene::receive_request(&mut head).map_err(|error| {
        format!("the host would refuse this request before any plugin saw it: {error}")
    })?;
    head.version = http::Version::HTTP_11;
    let request = message::request_of(&head, body).map_err(|error| error.to_string())?;
    Ok((scheme, request))
}

/// The backend's answer as the chain sees it.
pub(super) fn received(response: Response<Bytes>) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    let mut head = ResponseHead::from(&parts);
    hygiene::strip_hop_by_hop(&mut head.fields);
    Response::from_parts((&head).into(), body)
}

fn check_length(fields: &http::HeaderMap, body: &[u8]) -> Result<(), String> {
    let Some(length) = fields.get(header::CONTENT_LENGTH) else {
        return Ok(());
    };
    if length.to_str().ok().and_then(|length| length.parse().ok()) == Some(body.len()) {
        return Ok(());
    }
    Err(format!(
        "content-length is not the length of the body, {} bytes; correct it or leave the field out",
        body.len()
    ))
}

/// Reads the sections of one file.
pub(super) struct Reader<'a> {
    pub path: &'a Path,
    pub text: &'a [u8],
}

impl Reader<'_> {
    fn input(&self, sections: &[Section], conditions: &Conditions) -> Result<Input, Mistake> {
        let request = find(sections, Kind::Request, None).ok_or_else(|| {
            let problem = "there is no section `request`; a case has at least\n\n### request\nGET / HTTP/1.1\n";
            self.mistake(1, problem.to_owned())
        })?;
        let parsed = self.request(request)?;
        let (scheme, parsed) =
            receive(parsed).map_err(|problem| self.mistake(request.line, problem))?;
        let response = match find(sections, Kind::Response, None) {
            Some(section) => self.response(section)?,
            None => Response::default(),
        };
        Ok(Input {
            conditions: self.conditions(sections, conditions)?,
            scheme,
            request: parsed,
            response: received(response),
        })
    }

    /// The conditions of the cases here: the given ones, with what the sections `options` and `settings` say otherwise.
    pub(super) fn conditions(
        &self,
        sections: &[Section],
        given: &Conditions,
    ) -> Result<Conditions, Mistake> {
        let mut conditions = given.clone();
        if let Some(section) = find(sections, Kind::Options, None) {
            let text = self.toml(section)?;
            let mistakes = Mistakes::default();
            conditions = {
                let document = TomlDocument::parse(self.path, &text, &mistakes);
                given.changed(document.root(), &mistakes)
            };
            let read = mistakes.or(conditions);
            conditions = read.map_err(|errors| self.first(section, &errors))?;
        }
        if let Some(section) = find(sections, Kind::Settings, None) {
            let settings = config::settings(self.path, &self.toml(section)?);
            conditions.settings = Some(settings.map_err(|errors| self.first(section, &errors))?);
        }
        Ok(conditions)
    }

    /// The text of a section behind as many lines as in the file, so that messages have the file's lines.
    fn toml(&self, section: &Section) -> Result<String, Mistake> {
        let before = "\n".repeat(section.line);
        Ok(format!("{before}{}", self.words(section)?))
    }

    fn first(&self, section: &Section, errors: &ConfigErrors) -> Mistake {
        let said = errors.mistakes[0].to_string();
        // It begins with the path and the line; the rest is what a mistake of ours says behind them.
        let place = format!("{}:", self.path.display());
        let said = said.strip_prefix(&place).unwrap_or(&said);
        let (line, problem) = said.split_once(": ").unwrap_or(("", said));
        self.mistake(line.parse().unwrap_or(section.line), problem.to_owned())
    }

    /// What is expected of an entry, or of the file's one case.
    pub(super) fn expect(
        &self,
        sections: &[Section],
        entry: Option<usize>,
    ) -> Result<Expect, Mistake> {
        let find = |kind| find(sections, kind, entry);
        let request = find(Kind::ExpectRequest).map(|section| {
            let request = self.unless_none(section, |section| self.request(section))?;
            self.check_patterns(section, request.as_ref().map(|r| (r.headers(), r.body())))?;
            match &request {
                Some(request) if request.uri().authority().is_some() => Err(self.mistake(
                    section.line + 1,
                    "a backend gets path and query; the authority is expected in the field `host`"
                        .into(),
                )),
                _ => Ok(request),
            }
        });
        let response = find(Kind::ExpectResponse).map(|section| {
            let response = self.unless_none(section, |section| self.response(section))?;
            self.check_patterns(section, response.as_ref().map(|r| (r.headers(), r.body())))?;
            Ok(response)
        });
        let error = find(Kind::ExpectError).map(|section| {
            let words = self.words(section)?.trim();
            self.check_lines(section, words)?;
            let starts = |hook: &Hook| words.starts_with(&format!("{hook}: "));
            match HOOKS.iter().any(starts) {
                true => Ok(words.to_owned()),
                false => Err(self.mistake(section.line + 1, NO_ERROR.to_owned())),
            }
        });
        let log = find(Kind::ExpectLog).map(|section| {
            let words = self.words(section)?;
            self.check_lines(section, words)?;
            let lines = words.lines().map(str::trim_end);
            Ok(lines
                .filter(|line| !line.is_empty())
                .map(str::to_owned)
                .collect())
        });
        Ok(Expect {
            request: request.transpose()?,
            response: response.transpose()?,
            error: error.transpose()?,
            log: log.transpose()?,
        })
    }

    /// Whether the wildcards of a message are right: those of its head, and of its body as it will be compared.
    fn check_patterns(
        &self,
        section: &Section,
        message: Option<(&HeaderMap, &Bytes)>,
    ) -> Result<(), Mistake> {
        let (Some((fields, body)), false) = (message, section.title.base64) else {
            return Ok(());
        };
        match json::parse(body).filter(|_| json::is_announced(fields)) {
            Some(json) => {
                let content = &self.text[section.content.clone()];
                let head = &content[..content.len().saturating_sub(body.len())];
                self.check_lines(section, &String::from_utf8_lossy(head))?;
                json::check(&json).map_err(|problem| self.mistake(section.line, problem))
            }
            None => {
                let content = &self.text[section.content.clone()];
                self.check_lines(section, &String::from_utf8_lossy(content))
            }
        }
    }

    fn check_lines(&self, section: &Section, text: &str) -> Result<(), Mistake> {
        text.lines()
            .zip(section.line + 1..)
            .try_for_each(|(line, number)| {
                let checked = pattern::check(line.as_bytes());
                checked.map_err(|problem| self.mistake(number, problem))
            })
    }

    fn unless_none<T>(
        &self,
        section: &Section,
        read: impl FnOnce(&Section) -> Result<T, Mistake>,
    ) -> Result<Option<T>, Mistake> {
        if self.text[section.content.clone()].trim_ascii() == NONE.as_bytes() {
            Ok(None)
        } else {
            read(section).map(Some)
        }
    }

    fn request(&self, section: &Section) -> Result<Request<Bytes>, Mistake> {
        message::parse_request(&self.text[section.content.clone()], section.title.base64)
            .map_err(|wrong| self.in_section(section, wrong))
    }

    fn response(&self, section: &Section) -> Result<Response<Bytes>, Mistake> {
        message::parse_response(&self.text[section.content.clone()], section.title.base64)
            .map_err(|wrong| self.in_section(section, wrong))
    }

    fn words(&self, section: &Section) -> Result<&str, Mistake> {
        std::str::from_utf8(&self.text[section.content.clone()])
            .map_err(|_| self.mistake(section.line, "expected UTF-8 in this section".into()))
    }

    fn in_section(&self, section: &Section, wrong: Wrong) -> Mistake {
        self.mistake(section.line + 1 + wrong.line, wrong.problem)
    }

    pub(super) fn mistake(&self, line: usize, problem: String) -> Mistake {
        Mistake {
            path: self.path.to_owned(),
            line,
            problem,
        }
    }
}

fn find(sections: &[Section], kind: Kind, entry: Option<usize>) -> Option<&Section> {
    sections
        .iter()
        .find(|section| (section.title.kind, section.title.entry) == (kind, entry))
}
