//! Which AWS partition a region is in, as ARNs name it.

/// The partition of `region`, as `aws` or `aws-cn`. What is not AWS's own way to name a region is of none, and taken for
/// the ordinary one, as the SDK takes it.
pub fn partition(region: &str) -> &'static str {
    const BY_PREFIX: [(&str, &str); 7] = [
        ("cn-", "aws-cn"),
        ("eusc-", "aws-eusc"),
        ("us-gov-", "aws-us-gov"),
        ("us-iso-", "aws-iso"),
        ("us-isob-", "aws-iso-b"),
        ("eu-isoe-", "aws-iso-e"),
        ("us-isof-", "aws-iso-f"),
    ];
    BY_PREFIX.iter().find(|(prefix, _)| region.starts_with(prefix)).map_or("aws", |(_, partition)| partition)
}

/// Whether a host, with or without a port, is an S3 endpoint of AWS, also of a VPC: by the domains of the SDK's partitions.
/// AWS's domains have other hosts too, such as an EC2 instance that runs another store.
pub fn is_s3_of_aws(host: &str) -> bool {
    const DOMAINS: [&str; 11] = [
        "amazonaws.com",
        "api.aws",
        "amazonaws.com.cn",
        "api.amazonwebservices.com.cn",
        "amazonaws.eu",
        "api.amazonwebservices.eu",
        "c2s.ic.gov",
        "sc2s.sgov.gov",
        "cloud.adc-e.uk",
        "csp.hci.ic.gov",
        "aws.ic.gov",
    ];
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let before = DOMAINS.iter().find_map(|domain| name.strip_suffix(domain)?.strip_suffix('.'));
    before.is_some_and(|before| {
        let mut labels = before.split('.').skip_while(|label| !names_s3(label));
        labels.next().is_some() && labels.all(|label| matches!(label, "dualstack" | "vpce") || is_region(label))
    })
}

/// Whether a part of a host's name is one by which S3 is reached (AWS General Reference, "Amazon S3 endpoints and quotas"):
/// the user chooses the names of others, such as load balancers.
fn names_s3(label: &str) -> bool {
    const NAMES: [&str; 6] =
        ["s3", "s3-fips", "s3-accelerate", "s3-accesspoint", "s3-accesspoint-fips", "s3-external-1"];
    NAMES.contains(&label) || label.strip_prefix("s3-").is_some_and(is_region)
}

/// Whether it looks like a region, as `us-gov-west-1`.
fn is_region(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    let [place @ .., number] = &parts[..] else { return false };
    let is_word = |part: &&str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_lowercase());
    let is_number = number.len() == 1 && number.bytes().all(|byte| byte.is_ascii_digit());
    place.len() >= 2 && place.iter().all(is_word) && matches!(place[0].len(), 2..=4) && is_number
}

#[cfg(test)]
mod tests {
    use super::{is_s3_of_aws, partition};

    #[test]
    fn endpoints_of_s3_are_known_by_their_names() {
        for host in [
            "s3.eu-central-1.amazonaws.com",
            "s3.cn-north-1.amazonaws.com.cn:443",
            "s3.dualstack.eu-west-1.api.aws",
            "bucket.vpce-1a2b.s3.us-east-1.vpce.amazonaws.com",
            "s3.eusc-de-east-1.amazonaws.eu",
            "s3-eu-west-1.amazonaws.com",
            "site.s3-fips.dualstack.us-gov-west-1.amazonaws.com",
            "s3-accelerate.amazonaws.com",
            "s3.amazonaws.com",
        ] {
            assert!(is_s3_of_aws(host), "{host}");
        }
        for host in [
            "amazonaws.com.example.com",
            "s3.notamazonaws.com",
            "ec2-3-1-2-3.eu-central-1.compute.amazonaws.com:9000",
            "store.elb.eu-central-1.amazonaws.com",
            "s3-minio-123.us-east-1.elb.amazonaws.com",
            "s3.us-east-1.elb.amazonaws.com",
            "s3.example.us-east-1.amazonaws.com",
            "127.0.0.1:9000",
            "minio.example.com",
            "",
        ] {
            assert!(!is_s3_of_aws(host), "{host}");
        }
    }

    #[test]
    fn regions_are_where_aws_says() {
        for (region, expected) in [
            ("eu-central-1", "aws"),
            ("us-east-1", "aws"),
            ("auto", "aws"),
            ("", "aws"),
            ("cn-northwest-1", "aws-cn"),
            ("eusc-de-east-1", "aws-eusc"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-iso-east-1", "aws-iso"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eu-isoe-west-1", "aws-iso-e"),
            ("us-isof-south-1", "aws-iso-f"),
        ] {
            assert_eq!(partition(region), expected, "{region}");
        }
    }
}
