//! Where exchanges are logged, and in which form: `--access-log` and the table `[access-log]`.

use std::path::{Path, PathBuf};

use super::layers::Layers;
use crate::access_log::{AccessFormat, AccessLogConfig, AccessTarget};
use crate::config::file::TomlTable;

/// Stands for stdout, as in other programs.
const STDOUT: &str = "-";

impl Layers<'_> {
    pub(super) fn access_log(
        &self,
        file: Option<TomlTable<'_>>,
        base: &Path,
    ) -> Option<AccessLogConfig> {
        let given = self.path("access-log", self.args.access_log.as_deref(), None);
        let (mut in_file, mut format) = (None, AccessFormat::default());
        if let Some(mut table) = file {
            let entry = table.text("file");
            in_file = match entry {
                Some(entry) if entry.text == STDOUT => Some((PathBuf::from(STDOUT), entry.place)),
                other => self.path_in_file(other, base),
            };
            self.set(&mut format, table.text("format"), AccessFormat::parse);
            if !table.has("file") && given.is_none() {
                let problem = "nothing says where the lines go; expected file = \"access.log\", or file = \"-\" for stdout";
                self.mistakes.add(table.place.clone(), problem);
            }
            table.finish(&[]);
        }
        let (path, _) = given.or(in_file)?;
        let target = match path.as_os_str() == STDOUT {
            true => AccessTarget::Stdout,
            false => AccessTarget::File(path),
        };
        Some(AccessLogConfig { target, format })
    }
}
