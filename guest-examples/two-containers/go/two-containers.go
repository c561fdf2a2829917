// Two containers on a bridge, step by step as with `ip`. The drawing is in ../README.md.
package main

import (
	"fmt"
	"os"

	net "orchestrator"
)

func main() {
	if err := draw(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func draw() error {
	host := net.Host()

	// A veth pair is a cable. One end stays in the host, the other moves into the container.
	veth1, ceth1, err := plug(host, 1, "172.16.0.2/24")
	if err != nil {
		return err
	}
	veth2, _, err := plug(host, 2, "172.16.0.3/24")
	if err != nil {
		return err
	}

	// The bridge is the switch between the ends that stayed, and the host's own way into their network.
	if err := bridge(host, "br0", "172.16.0.1/24", veth1, veth2); err != nil {
		return err
	}
	// A bridge without ports plays the host's other interface: all that counts is its address.
	if err := bridge(host, "uplink0", "192.168.100.1/24"); err != nil {
		return err
	}

	// The first look at the kernel makes all of the above. A ping that fails is an answer and no error: container1 knows only its
	// own network.
	for _, ping := range []struct {
		source, target string
		expected       net.Outcome
	}{
		{"container1", "172.16.0.3", net.Reply},
		{"host", "172.16.0.2", net.Reply},
		{"host", "172.16.0.3", net.Reply},
		{"container1", "192.168.100.1", net.NoWay},
	} {
		if err := expect(ping.source, ping.target, ping.expected); err != nil {
			return err
		}
	}
	if err := net.AddRouteVia(ceth1, "default", "172.16.0.1"); err != nil {
		return err
	}
	return expect("container1", "192.168.100.1", net.Reply)
}

// plug adds a container and plugs a cable into it.
func plug(host net.Netns, number int, cidr string) (veth, ceth net.Link, err error) {
	container, err := net.AddNetns(fmt.Sprint("container", number))
	if err != nil {
		return veth, ceth, err
	}
	veth, ceth, err = net.AddVeth(host, fmt.Sprint("veth", number), host, fmt.Sprint("ceth", number))
	if err != nil {
		return veth, ceth, err
	}
	if err := ceth.SetNetns(container); err != nil {
		return veth, ceth, err
	}
	lo, err := net.GetLink(container, "lo")
	if err != nil {
		return veth, ceth, err
	}
	for _, link := range []net.Link{lo, ceth} {
		if err := link.SetUp(); err != nil {
			return veth, ceth, err
		}
	}
	return veth, ceth, net.AddAddress(ceth, cidr)
}

// bridge adds a bridge with an address and ports, all of them up.
func bridge(host net.Netns, name, cidr string, ports ...net.Link) error {
	bridge, err := net.AddBridge(host, name)
	if err != nil {
		return err
	}
	for _, port := range ports {
		if err := net.AddPort(bridge, port); err != nil {
			return err
		}
	}
	for _, link := range append(ports, bridge) {
		if err := link.SetUp(); err != nil {
			return err
		}
	}
	return net.AddAddress(bridge, cidr)
}

// expect pings, says what came of it, and fails if it was to be something else.
func expect(source, target string, expected net.Outcome) error {
	netns := net.Host()
	if source != "host" {
		var err error
		if netns, err = net.GetNetns(source); err != nil {
			return err
		}
	}
	result, err := net.Ping(netns, target)
	if err != nil {
		return err
	}
	fmt.Printf("%s -> %s: %s\n", source, target, result)
	if result.Outcome != expected {
		return fmt.Errorf("the ping was to end otherwise")
	}
	return nil
}
