package docker

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"strings"
)

// refused tells what an operator has to do before an engine can be reached at
// all; to try again is of no use. The reason is "" for every other error.
func refused(err error) (reason, message string) {
	if command, ok := errors.AsType[*commandError](err); ok {
		message = refusedSSH(command.said)
		reason = reasonSSH
	} else {
		message = refusedTLS(err)
		reason = reasonTLS
	}
	if message == "" {
		return "", ""
	}
	return reason, message
}

func refusedTLS(err error) string {
	if _, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		invalid, _ := errors.AsType[x509.CertificateInvalidError](err)
		_, otherName := errors.AsType[x509.HostnameError](err)
		switch {
		case invalid.Cert != nil && invalid.Reason == x509.Expired:
			return "the certificate of the agent's engine has expired, or is not valid yet; renew it"
		case otherName:
			return "the certificate of the agent's engine is for other names than that of the agent's address"
		}
		return "the certificate of the agent's engine is not by the authority that is configured for it"
	}
	_, plain := errors.AsType[tls.RecordHeaderError](err)
	if plain || errors.Is(err, http.ErrSchemeMismatch) {
		return "the agent's engine does not speak TLS at its address"
	}
	if strings.Contains(err.Error(), "Client sent an HTTP request to an HTTPS server") {
		return "the agent's engine wants TLS; configure certificates for its address"
	}
	if alert, ok := errors.AsType[*net.OpError](err); ok && alert.Op == "remote error" {
		return "the agent's engine refuses the client certificate, or the lack of one; configure one of its authority that has not expired"
	}
	return ""
}

// refusedSSH goes by what OpenSSH, and the shell at the other end, say.
func refusedSSH(said string) string {
	switch {
	case strings.Contains(said, "Host key verification failed"):
		return "ssh does not know the host key of the agent, or knows another one; add the right one to the known hosts"
	case strings.Contains(said, "Permission denied ("), strings.Contains(said, "Too many authentication failures"):
		return "the agent lets nobody in with the ssh key of this installation; add it to the authorized keys"
	case strings.Contains(said, "docker: not found"), strings.Contains(said, "docker: command not found"), strings.Contains(said, "command not found: docker"):
		return "the agent has no docker command, which ssh needs there; install the client"
	}
	return ""
}
