package io.llmguard.network;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CidrSetTest {
  private static InetAddress ip(String text) {
    return IpAddresses.parse(text);
  }

  @ParameterizedTest
  @CsvSource({
    "10.0.0.0/8,10.255.255.255,true",
    "10.0.0.0/8,11.0.0.0,false",
    "10.0.0.0/8,9.255.255.255,false",
    "192.0.2.7,192.0.2.7,true",
    "192.0.2.7,192.0.2.8,false",
    "0.0.0.0/0,255.255.255.255,true",
    "0.0.0.0/0,2001:db8::1,false",
    "::/0,2001:db8::1,true",
    "::/0,192.0.2.1,false",
    "2001:db8::/32,2001:db8:ffff:ffff:ffff:ffff:ffff:ffff,true",
    "2001:db8::/32,2001:db9::,false",
    "2001:db8:0:1::/64,2001:db8:0:1:8000::,true",
    "2001:db8::8/125,2001:db8::f,true",
    "2001:db8::8/125,2001:db8::10,false",
    "ff00::/8,ff02::1,true",
    "::1,::1,true",
    "10.0.0.0/8,::ffff:10.1.2.3,true",
    "::ffff:10.0.0.0/104,10.1.2.3,true",
    "::ffff:10.1.2.3,10.1.2.3,true"
  })
  void aBlockHoldsItsAddresses(String block, String address, boolean inside) {
    assertThat(CidrSet.of(block).contains(ip(address))).isEqualTo(inside);
    assertThat(CidrBlock.parse(block).contains(ip(address))).isEqualTo(inside);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "localhost|not an IPv4 or IPv6 address",
        "example.com/8|not an IPv4 or IPv6 address",
        "10.0.0|not an IPv4 or IPv6 address",
        "010.0.0.1|not an IPv4 or IPv6 address",
        "10.0.0.256|not an IPv4 or IPv6 address",
        "10.0.0.1.|not an IPv4 or IPv6 address",
        "0x7f.0.0.1|not an IPv4 or IPv6 address",
        "2130706433|not an IPv4 or IPv6 address",
        "[::1]|not an IPv4 or IPv6 address",
        "fe80::1%eth0|not an IPv4 or IPv6 address",
        "1::2::3|not an IPv4 or IPv6 address",
        "1:2:3:4:5:6:7|not an IPv4 or IPv6 address",
        "1:2:3:4:5:6:7:8:9|not an IPv4 or IPv6 address",
        "1:2:3:4:5:6:7:8::|not an IPv4 or IPv6 address",
        "10.0.0.0/|after the slash stands a number of bits, 0 to 32",
        "10.0.0.0/-1|after the slash stands a number of bits, 0 to 32",
        "10.0.0.0/33|the prefix of an IPv4 block is 0 to 32 bits, not 33",
        "::/129|the prefix of an IPv6 block is 0 to 128 bits, not 129",
        "10.0.0.1/8|address bits are set behind the prefix of 10.0.0.1/8; the block is 10.0.0.0/8",
        "::ffff:0:0/90|an IPv4-mapped block needs a prefix of at least 96 bits"
      })
  void whatIsWrongIsNamed(String text, String complaint) {
    assertThatThrownBy(() -> CidrSet.of("10.0.0.0/8", text))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("\"" + text + "\"")
        .hasMessageContaining(complaint);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {"1::", "::", "::1", "1:2:3:4:5:6:7:8", "1::8", "::1.2.3.4", "64:ff9b::1.2.3.4"})
  void everyFormOfAnIpv6AddressIsReadAsTheJdkReadsIt(String text) throws Exception {
    assertThat(ip(text)).isEqualTo(InetAddress.getByName(text));
  }

  @Test
  void aSetOfManyBlocksAnswersAsItsBlocksDoOneByOne() {
    Random random = new Random(20260101);
    for (int round = 0; round < 50; round++) {
      List<CidrBlock> blocks = new ArrayList<>();
      for (int i = 0; i < random.nextInt(40); i++) {
        blocks.add(randomBlock(random));
      }
      CidrSet set = CidrSet.of(blocks);
      for (int i = 0; i < 500; i++) {
        InetAddress address = randomAddress(random);
        assertThat(set.contains(address))
            .as("%s in %s", address, blocks)
            .isEqualTo(blocks.stream().anyMatch(b -> b.contains(address)));
      }
    }
  }

  /** Few leading values, so that blocks overlap and addresses hit. */
  private static InetAddress randomAddress(Random random) {
    byte[] bytes = new byte[random.nextBoolean() ? 4 : 16];
    random.nextBytes(bytes);
    bytes[0] = (byte) (0x20 + random.nextInt(2));
    bytes[1] = (byte) random.nextInt(3);
    return IpAddresses.of(bytes);
  }

  private static CidrBlock randomBlock(Random random) {
    byte[] bytes = randomAddress(random).getAddress();
    int prefix = 4 + random.nextInt(bytes.length * 8 - 3);
    for (int bit = prefix; bit < bytes.length * 8; bit++) {
      bytes[bit / 8] &= (byte) ~(0x80 >> bit % 8);
    }
    return new CidrBlock(IpAddresses.of(bytes), prefix);
  }
}
