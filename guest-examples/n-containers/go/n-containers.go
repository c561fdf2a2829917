// Any number of containers in one network: `n-containers N [--ipv6]`. The drawing is in ../README.md.
package main

import (
	"fmt"
	"os"
	"strconv"

	net "orchestrator"
)

// The addresses of 10.0.0.0/16, less the first one, the host's and the last one.
const most = 1<<16 - 3

// Linux gives a bridge 1,023 ports, and lets about 1,000 packets of a broadcast wait: for more there is a row of bridges.
const (
	mostOnOne  = 1000
	eachInARow = 400
)

// A network that the containers are in.
type network struct {
	address func(number int) string
	length  int
}

var (
	ipv4 = network{func(number int) string { return fmt.Sprintf("10.0.%d.%d", number/256, number%256) }, 16}
	ipv6 = network{func(number int) string { return fmt.Sprintf("fd00:a::%x", number) }, 64}
)

func (n network) cidr(number int) string { return fmt.Sprintf("%s/%d", n.address(number), n.length) }

func main() {
	count, networks, err := arguments(os.Args[1:])
	if err == nil {
		err = draw(count, networks)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func arguments(words []string) (int, []network, error) {
	count, given, networks := 0, 0, []network{ipv4}
	for _, word := range words {
		if word == "--ipv6" {
			networks = []network{ipv4, ipv6}
			continue
		}
		given++
		count, _ = strconv.Atoi(word)
	}
	if given != 1 || count < 1 || count > most {
		return 0, nil, fmt.Errorf("it takes one number from 1 to %d\nusage: n-containers N [--ipv6]", most)
	}
	return count, networks, nil
}

func draw(count int, networks []network) error {
	host := net.Host()
	each := mostOnOne
	if count > mostOnOne {
		each = eachInARow
	}
	bridges, err := addBridges(host, (count+each-1)/each)
	if err != nil {
		return err
	}
	for _, network := range networks {
		if err := net.AddAddress(bridges[0], network.cidr(1)); err != nil {
			return err
		}
	}
	for i := 1; i <= count; i++ {
		if err := addContainer(host, bridges[(i-1)/each], i, networks); err != nil {
			return err
		}
	}
	for _, bridge := range bridges {
		if err := bridge.SetUp(); err != nil {
			return err
		}
	}
	last := fmt.Sprint("c", count)
	for _, network := range networks {
		if err := expectReply("c1", network.address(count+1)); err != nil {
			return err
		}
		if err := expectReply(last, network.address(1)); err != nil {
			return err
		}
	}
	return nil
}

// addBridges adds a row of bridges, each joined to the next by a veth pair.
func addBridges(host net.Netns, count int) ([]net.Link, error) {
	var row []net.Link
	for j := range count {
		bridge, err := net.AddBridge(host, fmt.Sprint("br", j))
		if err != nil {
			return nil, err
		}
		row = append(row, bridge)
		if j == 0 {
			continue
		}
		near, far, err := net.AddVeth(host, fmt.Sprintf("br%d-br%d", j-1, j), host, fmt.Sprintf("br%d-br%d", j, j-1))
		if err != nil {
			return nil, err
		}
		if err := attach(row[j-1], near); err != nil {
			return nil, err
		}
		if err := attach(bridge, far); err != nil {
			return nil, err
		}
	}
	return row, nil
}

func attach(bridge, port net.Link) error {
	if err := net.AddPort(bridge, port); err != nil {
		return err
	}
	return port.SetUp()
}

func addContainer(host net.Netns, bridge net.Link, number int, networks []network) error {
	container, err := net.AddNetns(fmt.Sprint("c", number))
	if err != nil {
		return err
	}
	defer container.Drop()
	lo, err := net.GetLink(container, "lo")
	if err != nil {
		return err
	}
	defer lo.Drop()
	// The far end is added where it belongs.
	veth, ceth, err := net.AddVeth(host, fmt.Sprint("veth", number), container, fmt.Sprint("ceth", number))
	if err != nil {
		return err
	}
	defer veth.Drop()
	defer ceth.Drop()
	if err := attach(bridge, veth); err != nil {
		return err
	}
	for _, link := range []net.Link{lo, ceth} {
		if err := link.SetUp(); err != nil {
			return err
		}
	}
	for _, network := range networks {
		if err := net.AddAddress(ceth, network.cidr(number+1)); err != nil {
			return err
		}
		if err := net.AddRoute(container, "default", network.address(1)); err != nil {
			return err
		}
	}
	return nil
}

func expectReply(source, target string) error {
	netns, err := net.GetNetns(source)
	if err != nil {
		return err
	}
	result, err := net.Ping(netns, target)
	if err != nil {
		return err
	}
	if result.Outcome != net.Reply {
		return fmt.Errorf("%s -> %s: %s", source, target, result)
	}
	fmt.Printf("%s -> %s: %s\n", source, target, result)
	return nil
}
