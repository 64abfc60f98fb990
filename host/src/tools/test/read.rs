//! Cases as their files say them, with every mistake's place.

use std::fs;
use std::path::Path;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};

use super::calls::{Call, CannedAnswer, CannedError};
use super::case::{
    Case, CaseExchange, CaseFile, Expect, Input, NONE, backend_response, receive, received,
};
use super::message::{self, TargetPattern, Wrong};
use super::messages::SentMessage;
use super::metrics::Samples;
use super::pieces::ExpectedPiece;
use super::sections::{Kind, Mistake, Section, sections};
use super::{failure_line, json, messages, metrics, pattern, pieces, state};
use crate::config::file::{Mistakes, TomlDocument, TomlTable};
use crate::config::{self, ConfigErrors};
use crate::tools::conditions::Conditions;

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
    let last = sections.last().map_or(0, |section| section.part);
    let exchanges = (0..=last).map(|part| reader.exchange(&sections, part));
    let case = Case {
        name,
        conditions: reader.conditions(&sections, conditions)?,
        state: reader.state(&sections)?,
        exchanges: exchanges.collect::<Result<_, _>>()?,
        entry: None,
    };
    Ok(CaseFile {
        path: path.to_owned(),
        sections,
        cases: vec![case],
        text,
    })
}

/// Reads the sections of one file.
pub(super) struct Reader<'a> {
    pub path: &'a Path,
    pub text: &'a [u8],
}

impl Reader<'_> {
    /// The exchange of this number, counted from 0.
    fn exchange(&self, sections: &[Section], part: usize) -> Result<CaseExchange, Mistake> {
        let its_own = sections.partition_point(|section| section.part < part);
        let its_own = &sections[its_own..];
        let its_own = &its_own[..its_own.partition_point(|section| section.part == part)];
        let begins = its_own.first().filter(|_| part > 0);
        let input = match find(its_own, Kind::Tick, None) {
            Some(tick) => {
                let strange = its_own.iter().find(|s| s.title.kind.is_of_exchange());
                if let Some(Section { title, line, .. }) = strange {
                    let problem = format!(
                        "the section `{}` is about an exchange, and `tick` on line {} stands in the place of one; write a line \
                         `### next` between them",
                        title.kind, tick.line
                    );
                    return Err(self.mistake(*line, problem));
                }
                None
            }
            None => Some(self.input(its_own, begins.map_or(1, |next| next.line))?),
        };
        Ok(CaseExchange {
            after: begins.and_then(|next| next.title.after).unwrap_or_default(),
            input,
            expect: Expect {
                calls: self.calls(its_own)?,
                ..self.expect(its_own, None)?
            },
        })
    }

    /// What a plugin gets in an exchange, whose sections begin on this line.
    fn input(&self, sections: &[Section], line: usize) -> Result<Input, Mistake> {
        let request = find(sections, Kind::Request, None).ok_or_else(|| {
            let problem = "there is no section `request`; a case has at least\n\n### request\nGET / HTTP/1.1\n";
            self.mistake(line, problem.to_owned())
        })?;
        let parsed = self.request(request)?;
        let (scheme, parsed) =
            receive(parsed).map_err(|problem| self.mistake(request.line, problem))?;
        let messages = find(sections, Kind::Messages, None);
        let messages = messages.map(|section| self.messages(section)).transpose()?;
        let section = find(sections, Kind::Response, None);
        let said = section.map(|section| self.response(section)).transpose()?;
        let response = backend_response(said, messages.is_some());
        let place = section.map_or(line, |section| section.line + 1);
        let response = response.map_err(|problem| self.mistake(place, problem))?;
        Ok(Input {
            messages,
            scheme,
            request: parsed,
            response: received(response),
        })
    }

    /// The plugin's state before the first exchange.
    fn state(&self, sections: &[Section]) -> Result<Vec<state::Entry>, Mistake> {
        match find(sections, Kind::State, None) {
            Some(section) => self.table(section, |table, m| state::entries(&table, m)),
            None => Ok(Vec::new()),
        }
    }

    /// The outbound requests of an exchange, each with its answer behind it.
    fn calls(&self, sections: &[Section]) -> Result<Vec<Call>, Mistake> {
        let is_answer = |section: &&Section| {
            [Kind::OutboundResponse, Kind::OutboundError].contains(&section.title.kind)
        };
        let mut calls = Vec::new();
        let mut sections = sections.iter().peekable();
        while let Some(section) = sections.next() {
            if is_answer(&section) {
                let problem = "before it the `outbound request` is expected that it is for";
                return Err(self.mistake(section.line, problem.to_owned()));
            }
            if section.title.kind == Kind::OutboundRequest {
                let answer = sections.next_if(is_answer).ok_or_else(|| {
                    let problem =
                        "behind it an `outbound response` or an `outbound error` is expected";
                    self.mistake(section.line, problem.to_owned())
                })?;
                calls.push(self.call(section, answer)?);
            }
        }
        Ok(calls)
    }

    fn call(&self, asked: &Section, answered: &Section) -> Result<Call, Mistake> {
        let mut request = self.request(asked)?;
        self.check_patterns(asked, Some((request.headers(), request.body())))?;
        let url = match request.extensions().get::<TargetPattern>() {
            Some(TargetPattern(url)) => url.clone(),
            None => request.uri().to_string(),
        };
        if url.starts_with('/') || url == "*" {
            let problem = "expected a whole URL, such as https://api.example.com/path";
            return Err(self.mistake(asked.line + 1, problem.to_owned()));
        }
        request.extensions_mut().insert(TargetPattern(url));
        let answer = if answered.title.kind == Kind::OutboundResponse {
            CannedAnswer::Response(self.response(answered)?)
        } else {
            let error = CannedError::parse(self.words(answered)?.trim());
            let error = error.map_err(|problem| self.mistake(answered.line + 1, problem))?;
            CannedAnswer::Error(error)
        };
        Ok(Call {
            request,
            answer,
            after: answered.title.after.unwrap_or_default(),
            line: asked.line,
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
            conditions = self.table(section, |table, mistakes| given.changed(table, mistakes))?;
        }
        if let Some(section) = find(sections, Kind::Settings, None) {
            let settings = config::settings(self.path, &self.toml(section)?);
            conditions.settings = Some(settings.map_err(|errors| self.first(section, &errors))?);
        }
        Ok(conditions)
    }

    /// What a section of TOML says.
    fn table<T>(
        &self,
        section: &Section,
        read: impl FnOnce(TomlTable<'_>, &Mistakes) -> T,
    ) -> Result<T, Mistake> {
        let text = self.toml(section)?;
        let mistakes = Mistakes::default();
        let read = {
            let document = TomlDocument::parse(self.path, &text, &mistakes);
            read(document.root(), &mistakes)
        };
        let read = mistakes.or(read);
        read.map_err(|errors| self.first(section, &errors))
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
            let checked = failure_line::check(words);
            checked.map_err(|problem| self.mistake(section.line + 1, problem))?;
            Ok(words.to_owned())
        });
        let lines = |kind| find(kind).map(|section| self.lines(section)).transpose();
        let pieces = |kind| find(kind).map(|section| self.pieces(section)).transpose();
        let state = find(Kind::ExpectState);
        let state = state.map(|s| self.table(s, |table, m| state::expected(&table, m)));
        let metrics = find(Kind::ExpectMetrics).map(|section| self.samples(section));
        Ok(Expect {
            metrics: metrics.transpose()?,
            pieces: [
                pieces(Kind::ExpectRequestPieces)?,
                pieces(Kind::ExpectResponsePieces)?,
            ],
            calls: Vec::new(),
            state: state.transpose()?,
            request: request.transpose()?,
            response: response.transpose()?,
            error: error.transpose()?,
            messages: lines(Kind::ExpectMessages)?,
            log: lines(Kind::ExpectLog)?,
        })
    }

    /// Lines with wildcards.
    fn lines(&self, section: &Section) -> Result<Vec<String>, Mistake> {
        let words = self.words(section)?;
        self.check_lines(section, words)?;
        let lines = words.lines().map(str::trim_end);
        let lines = lines.filter(|line| !line.is_empty());
        Ok(lines.map(str::to_owned).collect())
    }

    fn messages(&self, section: &Section) -> Result<Vec<SentMessage>, Mistake> {
        let lines = self.words(section)?.lines().zip(section.line + 1..);
        let lines = lines.filter(|(line, _)| !line.trim().is_empty());
        let message = |(line, number): (&str, usize)| {
            messages::parse(line.trim_end()).map_err(|problem| self.mistake(number, problem))
        };
        lines.map(message).collect()
    }

    fn samples(&self, section: &Section) -> Result<Samples, Mistake> {
        let mut samples = Samples::new();
        for (line, number) in self.words(section)?.lines().zip(section.line + 1..) {
            if line.trim().is_empty() {
                continue;
            }
            let (sample, value) =
                metrics::parse(line.trim()).map_err(|problem| self.mistake(number, problem))?;
            if samples.insert(sample.clone(), value).is_some() {
                return Err(self.mistake(number, format!("{sample} is there twice")));
            }
        }
        Ok(samples)
    }

    fn pieces(&self, section: &Section) -> Result<Vec<ExpectedPiece>, Mistake> {
        let lines = self.words(section)?.lines().zip(section.line + 1..);
        let lines = lines.filter(|(line, _)| !line.trim().is_empty());
        let piece = |(line, number): (&str, usize)| {
            pieces::parse(line.trim()).map_err(|problem| self.mistake(number, problem))
        };
        lines.map(piece).collect()
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
        let title = section.title;
        let is_expected = title.kind != Kind::Request;
        let content = &self.text[section.content.clone()];
        message::parse_request(content, title.base64, is_expected)
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
