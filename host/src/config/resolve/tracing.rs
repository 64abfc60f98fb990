//! Where traces go: `--otlp`, the table `[tracing]`, and the variables of OpenTelemetry.

use toml::de::DeValue;

use super::layers::Layers;
use crate::config::file::{TomlTable, Value};
use crate::otlp::{OtlpConfig, traces_url};

/// What services are called that nobody has given a name.
const SERVICE: &str = "tollgate";

/// The variables, the one for traces alone first (OpenTelemetry, "OTLP Exporter Configuration").
const ENDPOINTS: [&str; 2] = [
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
];

impl Layers<'_> {
    pub(super) fn tracing(&self, file: Option<TomlTable<'_>>) -> Option<OtlpConfig> {
        let (mut endpoint, mut name, mut sample, mut headers) = (None, None, 1.0, Vec::new());
        let mut lacks_endpoint = None;
        if let Some(mut table) = file {
            endpoint = table.text("endpoint");
            name = table.text("service-name").map(|entry| entry.text);
            if let Some(share) = table.take("sample").and_then(share) {
                sample = share;
            }
            if let Some(fields) = table.table("headers") {
                let fields = fields
                    .values()
                    .filter_map(|(name, value)| Some((name.to_owned(), value.text()?.text)));
                headers = fields.collect();
            }
            lacks_endpoint = (!table.has("endpoint")).then(|| table.place.clone());
            table.finish(&[]);
        }
        let given = self.value("otlp", &self.args.otlp, endpoint, traces_url);
        let endpoint = given
            .map(|(url, _)| url)
            .or_else(|| self.standard_endpoint());
        if endpoint.is_none()
            && let Some(place) = lacks_endpoint
        {
            let problem =
                "nothing says where traces go; expected endpoint = \"http://127.0.0.1:4318\"";
            self.mistakes.add(place, problem);
        }
        let variable = |name: &str| self.text_of(name);
        Some(OtlpConfig {
            endpoint: endpoint?,
            service_name: name
                .or_else(|| variable("OTEL_SERVICE_NAME"))
                .unwrap_or(SERVICE.into()),
            sample,
            headers,
        })
    }

    /// What the variables of OpenTelemetry say, unless they switch it off. One that can't be used is not ours to refuse: it may
    /// be meant for another program.
    fn standard_endpoint(&self) -> Option<String> {
        let is_off = self.text_of("OTEL_SDK_DISABLED");
        if is_off.is_some_and(|text| text.eq_ignore_ascii_case("true")) {
            return None;
        }
        let [of_traces, of_all] = ENDPOINTS.map(|name| self.text_of(name));
        // That for traces alone has the whole path.
        of_traces.or_else(|| of_all.and_then(|url| traces_url(&url).ok()))
    }

    fn text_of(&self, variable: &str) -> Option<String> {
        let text = (self.env)(variable)?.into_string().ok()?;
        (!text.is_empty()).then_some(text)
    }
}

/// A share of all, 0 to 1.
fn share(value: Value<'_>) -> Option<f64> {
    let share = match value.value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => integer.as_str().parse().ok(),
        _ => None,
    };
    match share.filter(|share| (0.0..=1.0).contains(share)) {
        None => value.wrong("a number from 0 to 1, such as 0.1"),
        some => some,
    }
}
