//! What a plugin is built with, as `tollgate build --tools` says it.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// Tools with their versions: `zig 0.17.1`. Says so if the proxy can't tell.
pub fn describe(tollgate: &Path, project: &Path) -> String {
    let asked = Command::new(tollgate)
        .args(["build", "--tools", "--json"])
        .arg(project)
        .output();
    let said = asked.map(|output| parse(&output.stdout));
    match said {
        Ok(Some(tools)) => tools,
        Ok(None) => {
            eprintln!(
                "languages: {} doesn't say what builds {}: a tool is missing, or TOLLGATE_TOOLS is elsewhere",
                tollgate.display(),
                project.display()
            );
            "?".to_owned()
        }
        Err(error) => {
            eprintln!("languages: can't run {}: {error}", tollgate.display());
            "?".to_owned()
        }
    }
}

/// The tools that have a version; tollgate alone where none is needed. None if it can't be told, or one is missing.
fn parse(json: &[u8]) -> Option<String> {
    let said: Value = serde_json::from_slice(json).ok()?;
    let tools = said["tools"].as_array()?;
    if !said["missing"].as_array()?.is_empty() {
        return None;
    }
    let described: Vec<String> = tools
        .iter()
        .filter_map(|tool| Some((tool["name"].as_str()?, tool["version"].as_str()?)))
        .filter(|(_, version)| version.starts_with(|c: char| c.is_ascii_digit()))
        .map(|(name, version)| format!("{name} {version}"))
        .collect();
    Some(match (described.is_empty(), tools.is_empty()) {
        (_, true) => "tollgate itself".to_owned(),
        (true, false) => said["way"].as_str()?.to_owned(),
        (false, false) => described.join(", "),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tools_are_told_with_their_versions() {
        let said = |tools: &str, missing: &str| {
            parse(format!(r#"{{"way":"x","tools":[{tools}],"missing":[{missing}]}}"#).as_bytes())
        };
        let zig = r#"{"name":"zig","version":"0.17.1","command":["zig"]}"#;
        let probed = r#"{"name":"probed","version":"","command":[]}"#;
        assert_eq!(
            said(&format!("{zig},{probed}"), "").as_deref(),
            Some("zig 0.17.1")
        );
        assert_eq!(said("", "").as_deref(), Some("tollgate itself"));
        assert_eq!(said(probed, "").as_deref(), Some("x"));
        assert_eq!(said("", r#"{"name":"zig","install":[]}"#), None);
        assert_eq!(parse(b"tollgate: no such project"), None);
    }
}
