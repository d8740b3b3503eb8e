package clouds

import (
	"crypto/rand"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

type awsErrorDocument struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ ErrorResponse"`
	Type    string   `xml:"Error>Type"`
	Code    string   `xml:"Error>Code"`
	Message string   `xml:"Error>Message"`
	ID      string   `xml:"RequestId"`
}

func (e *awsError) document() awsErrorDocument {
	return awsErrorDocument{Type: "Sender", Code: e.code, Message: e.message, ID: rand.Text()}
}

type awsSessionDocument struct {
	XMLName xml.Name `xml:"https://sts.amazonaws.com/doc/2011-06-15/ AssumeRoleWithWebIdentityResponse"`
	Subject string   `xml:"AssumeRoleWithWebIdentityResult>SubjectFromWebIdentityToken"`
	ARN     string   `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser>Arn"`
	RoleID  string   `xml:"AssumeRoleWithWebIdentityResult>AssumedRoleUser>AssumedRoleId"`
	Token   string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>SessionToken"`
	Secret  string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>SecretAccessKey"`
	Expires string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>Expiration"`
	Key     string   `xml:"AssumeRoleWithWebIdentityResult>Credentials>AccessKeyId"`
	ID      string   `xml:"ResponseMetadata>RequestId"`
}

func (s awsSession) document() awsSessionDocument {
	return awsSessionDocument{
		Subject: s.claims.Subject, ARN: fmt.Sprintf("%s/%s", strings.Replace(s.role, ":role/", ":assumed-role/", 1), s.name),
		RoleID: "AROA:" + s.name, Token: s.token, Secret: s.secret, Expires: s.expires.Format(time.RFC3339), Key: s.key, ID: rand.Text(),
	}
}
