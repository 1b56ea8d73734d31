//! Which of AWS's worlds a region is in, as ARNs name it.

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
/// AWS's domains have other hosts too, as a machine of EC2 on which somebody runs a store.
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
    let names_s3 = |rest: &str| rest.split('.').any(|label| label == "s3" || label.starts_with("s3-"));
    DOMAINS.iter().any(|domain| name.strip_suffix(domain).is_some_and(|rest| rest.ends_with('.') && names_s3(rest)))
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
        ] {
            assert!(is_s3_of_aws(host), "{host}");
        }
        for host in [
            "amazonaws.com.example.com",
            "s3.notamazonaws.com",
            "ec2-3-1-2-3.eu-central-1.compute.amazonaws.com:9000",
            "store.elb.eu-central-1.amazonaws.com",
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
