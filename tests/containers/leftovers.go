package containers

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"github.com/moby/moby/client"
)

const (
	labelHost = "wharf.test.host" // where process ids of labelPID mean something
	labelPID  = "wharf.test.pid"
)

// ownerLabels mark a container as belonging to this process.
func ownerLabels() map[string]string {
	return map[string]string{labelHost: ownerHost(), labelPID: strconv.Itoa(os.Getpid())}
}

// ownerHost names the machine and its process-id namespace: processes in several containers may share one engine and
// do not see each other.
func ownerHost() string {
	host, _ := os.Hostname()
	namespace, _ := os.Readlink("/proc/self/ns/pid")
	return fmt.Sprint(host, "/", namespace)
}

// removeLeftovers removes the containers of processes that ended without cleaning up. A failure only means that they
// stay until the next time.
func removeLeftovers(ctx context.Context, cli client.APIClient) {
	found, err := cli.ContainerList(ctx, client.ContainerListOptions{
		All:     true,
		Filters: make(client.Filters).Add("label", labelHost+"="+ownerHost()),
	})
	if err != nil {
		return
	}
	for _, c := range found.Items {
		if pid, err := strconv.Atoi(c.Labels[labelPID]); err == nil && !alive(pid) {
			_, _ = cli.ContainerRemove(ctx, c.ID, client.ContainerRemoveOptions{Force: true, RemoveVolumes: true})
		}
	}
}
