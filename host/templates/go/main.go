// The host and a container, joined by a veth pair.
package main

import (
	"fmt"
	"os"

	net "{{name}}/orchestrator"
)

func main() {
	if err := draw(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func draw() error {
	host := net.Host()
	container1, err := net.AddNetns("container1")
	if err != nil {
		return err
	}

	// A veth pair is a cable: one end in the host, the other in the container.
	veth1, ceth1, err := net.AddVeth(host, "veth1", container1, "ceth1")
	if err != nil {
		return err
	}
	if err := plug(veth1, "172.16.0.1/24"); err != nil {
		return err
	}
	if err := plug(ceth1, "172.16.0.2/24"); err != nil {
		return err
	}

	result, err := net.Ping(host, "172.16.0.2")
	if err != nil {
		return err
	}
	fmt.Println("host -> container1:", result)
	return nil
}

// plug sets a link up and gives it an address.
func plug(link net.Link, cidr string) error {
	if err := link.SetUp(); err != nil {
		return err
	}
	return net.AddAddress(link, cidr)
}
