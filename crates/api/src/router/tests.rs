use super::*;

#[test]
fn every_operation_says_how_it_can_fail() {
    let json = description();
    assert_eq!(json["openapi"], "3.1.0");
    let mut operations = 0;
    let mut ids = std::collections::BTreeSet::new();
    for (path, item) in json["paths"].as_object().expect("paths") {
        for (method, operation) in item.as_object().expect("operations") {
            operations += 1;
            let id = operation["operationId"].as_str().expect("an id");
            assert!(ids.insert(id.to_owned()), "{id} is not unique");
            let guarded = !["/livez", "/readyz"].contains(&path.as_str());
            let statuses = ["400", "404", "500", "503", "401", "403", "421", "429"];
            for status in &statuses[..if guarded { 8 } else { 4 }] {
                let schema = &operation["responses"][status]["content"]["application/problem+json"]
                    ["schema"];
                assert_eq!(
                    schema["$ref"], "#/components/schemas/Problem",
                    "{method} {path} {status}"
                );
            }
            let versioned = !path.starts_with("/v1/keys");
            let edits = versioned && ["put", "patch", "delete"].contains(&method.as_str());
            assert_eq!(operation["responses"]["428"].is_object(), edits, "{method} {path}");
        }
    }
    assert_eq!(operations, OPERATIONS.len() + 3, "and the probes");
}
