using System.Buffers.Binary;

namespace Interceptor.Packets;

public readonly ref partial struct PacketView
{
    /// <summary>Walks from the link header inwards. One pass, no allocation; every read is behind a check of what was captured.</summary>
    private ref struct Decoder
    {
        private readonly ReadOnlySpan<byte> _data;

        // End of the enclosing layer on the wire, from the packet's first byte: may lie beyond what was captured.
        private int _wireEnd;

        internal Decoder(ReadOnlySpan<byte> data, int originalLength)
        {
            _data = data;
            OriginalLength = originalLength;
            _wireEnd = originalLength;
        }

        internal LayerTable Layers;

        internal int Count { get; private set; }

        internal int Offset { get; private set; }

        internal int OriginalLength { get; }

        internal PacketFault Fault { get; private set; }

        internal void Run(LinkType linkType)
        {
            switch (linkType)
            {
                case LinkType.Ethernet:
                    DecodeEthernet();
                    break;
                case LinkType.LinuxCooked:
                    DecodeCooked(LayerKind.LinuxCooked, headerLength: 16, protocolOffset: 14);
                    break;
                case LinkType.LinuxCooked2:
                    DecodeCooked(LayerKind.LinuxCooked2, headerLength: 20, protocolOffset: 0);
                    break;
                case LinkType.Null:
                case LinkType.Loop:
                    DecodeNull(linkType == LinkType.Loop);
                    break;
                case LinkType.Raw:
                case LinkType.RawBsd:
                case LinkType.RawOpenBsd:
                    DecodeIpByVersion();
                    break;
                case LinkType.Ipv4:
                    DecodeIpv4();
                    break;
                case LinkType.Ipv6:
                    DecodeIpv6();
                    break;
                default:
                    break;
            }
        }

        private bool Has(int length)
        {
            if (_wireEnd - Offset < length)
            {
                Fault = PacketFault.BadLength;
                return false;
            }

            if (_data.Length - Offset < length)
            {
                Fault = PacketFault.Truncated;
                return false;
            }

            return true;
        }

        private bool Push(LayerKind kind, int headerLength, int payloadLength)
        {
            if (Count == LayerTable.Capacity)
            {
                Fault = PacketFault.TooManyLayers;
                return false;
            }

            Layers[Count++] = LayerTable.Pack(kind, Offset, headerLength, payloadLength);
            Offset += headerLength;
            _wireEnd = Offset + payloadLength;
            return true;
        }

        private readonly ushort ReadU16(int offset) => BinaryPrimitives.ReadUInt16BigEndian(_data[(Offset + offset)..]);

        private void DecodeEthernet()
        {
            if (Has(14))
            {
                ushort etherType = ReadU16(12);
                if (Push(LayerKind.Ethernet, 14, _wireEnd - Offset - 14))
                {
                    DecodeTypeOrLength(etherType);
                }
            }
        }

        /// <summary>Up to 1500 the field is the length of an 802.3 frame, and what is behind that is padding.</summary>
        private void DecodeTypeOrLength(ushort value)
        {
            if (value > EthernetView.MaximumLengthField)
            {
                DecodeEtherType(value);
                return;
            }

            _wireEnd = Math.Min(_wireEnd, Offset + value);
            DecodeLlc();
        }

        private void DecodeLlc()
        {
            if (!Has(3))
            {
                return;
            }

            // Control is one byte in unnumbered frames and two in the others (IEEE 802.2, 5.2).
            bool isUnnumbered = (_data[Offset + 2] & 3) == 3;
            bool isSnap = isUnnumbered && _data[Offset] == 0xAA && _data[Offset + 1] == 0xAA;
            int length = isSnap ? 8 : isUnnumbered ? 3 : 4;
            if (!Has(length))
            {
                return;
            }

            // RFC 1042: under the organisation 00-00-00 the protocol is an Ethernet type.
            bool isEtherType = isSnap && _data[Offset + 3] == 0 && ReadU16(4) == 0;
            ushort etherType = isEtherType ? ReadU16(6) : (ushort)0;
            if (Push(LayerKind.Llc, length, _wireEnd - Offset - length) && isEtherType)
            {
                DecodeEtherType(etherType);
            }
        }

        private void DecodeCooked(LayerKind kind, int headerLength, int protocolOffset)
        {
            if (Has(headerLength))
            {
                ushort etherType = ReadU16(protocolOffset);
                if (!Push(kind, headerLength, _wireEnd - Offset - headerLength))
                {
                    return;
                }

                // Below 0x600 these are Linux ETH_P_ numbers; 4 is 802.2.
                if (etherType == 4)
                {
                    DecodeLlc();
                }
                else
                {
                    DecodeEtherType(etherType);
                }
            }
        }

        private void DecodeNull(bool networkOrder)
        {
            if (!Has(4))
            {
                return;
            }

            NullView.TryParse(_data[Offset..], networkOrder, out NullView header);
            if (!Push(LayerKind.Null, NullView.Length, _wireEnd - Offset - NullView.Length))
            {
                return;
            }

            if (header.IsIpv4)
            {
                DecodeIpv4();
            }
            else if (header.IsIpv6)
            {
                DecodeIpv6();
            }
        }

        private void DecodeEtherType(ushort etherType)
        {
            // 802.1Q, 802.1ad and the two older numbers used for the outer tag.
            while (etherType is EtherType.Vlan or EtherType.ServiceVlan or 0x9100 or 0x9200)
            {
                if (!Has(4))
                {
                    return;
                }

                etherType = ReadU16(2);
                if (!Push(LayerKind.Vlan, 4, _wireEnd - Offset - 4))
                {
                    return;
                }

                if (etherType <= EthernetView.MaximumLengthField)
                {
                    DecodeTypeOrLength(etherType);
                    return;
                }
            }

            switch (etherType)
            {
                case EtherType.Ipv4:
                    DecodeIpv4();
                    break;
                case EtherType.Ipv6:
                    DecodeIpv6();
                    break;
                case EtherType.Arp:
                    DecodeArp();
                    break;
                default:
                    break;
            }
        }

        private void DecodeArp()
        {
            if (!Has(8))
            {
                return;
            }

            int length = 8 + (2 * (_data[Offset + 4] + _data[Offset + 5]));
            if (Has(length))
            {
                Push(LayerKind.Arp, length, 0);
            }
        }

        private void DecodeIpByVersion()
        {
            if (!Has(1))
            {
                return;
            }

            switch (_data[Offset] >> 4)
            {
                case 4:
                    DecodeIpv4();
                    break;
                case 6:
                    DecodeIpv6();
                    break;
                default:
                    Fault = PacketFault.BadVersion;
                    break;
            }
        }

        private void DecodeIpv4()
        {
            if (!Has(Ipv4View.MinimumLength))
            {
                return;
            }

            if (_data[Offset] >> 4 != 4)
            {
                Fault = PacketFault.BadVersion;
                return;
            }

            int headerLength = (_data[Offset] & 0x0F) * 4;
            if (headerLength < Ipv4View.MinimumLength)
            {
                Fault = PacketFault.BadHeaderLength;
                return;
            }

            if (!Has(headerLength))
            {
                return;
            }

            // A total length of 0 is a segmentation-offload super packet: what is on the wire is what there is.
            int totalLength = ReadU16(2);
            int room = _wireEnd - Offset;
            if (totalLength == 0)
            {
                totalLength = room;
            }

            if (totalLength < headerLength)
            {
                Fault = PacketFault.BadLength;
                return;
            }

            byte protocol = _data[Offset + 9];
            bool isLaterFragment = (ReadU16(6) & 0x1FFF) != 0;
            if (Push(LayerKind.Ipv4, headerLength, Math.Min(totalLength, room) - headerLength) && !isLaterFragment)
            {
                DecodeProtocol(protocol, isIpv6: false);
            }
        }

        private void DecodeIpv6()
        {
            if (!Has(Ipv6View.FixedLength))
            {
                return;
            }

            if (_data[Offset] >> 4 != 6)
            {
                Fault = PacketFault.BadVersion;
                return;
            }

            // 0 is a jumbogram or a segmentation-offload super packet.
            int payloadLength = ReadU16(4);
            int room = _wireEnd - Offset - Ipv6View.FixedLength;
            byte next = _data[Offset + 6];
            if (Push(LayerKind.Ipv6, Ipv6View.FixedLength, payloadLength == 0 ? room : Math.Min(payloadLength, room)))
            {
                DecodeIpv6Chain(next);
            }
        }

        private void DecodeIpv6Chain(byte next)
        {
            while (true)
            {
                switch (next)
                {
                    case 0 or 43 or 60 or 135 or 139 or 140:
                        if (!PushExtension(unit: 8, extra: 1, LayerKind.Ipv6Extension, ref next))
                        {
                            return;
                        }

                        break;
                    case 51:
                        if (!PushExtension(unit: 4, extra: 2, LayerKind.Ipv6Extension, ref next))
                        {
                            return;
                        }

                        break;
                    case 44:
                        if (!Has(8))
                        {
                            return;
                        }

                        bool isLaterFragment = (ReadU16(2) & 0xFFF8) != 0;
                        next = _data[Offset];
                        if (!Push(LayerKind.Ipv6Fragment, 8, _wireEnd - Offset - 8) || isLaterFragment)
                        {
                            return;
                        }

                        break;
                    default:
                        DecodeProtocol(next, isIpv6: true);
                        return;
                }
            }
        }

        private bool PushExtension(int unit, int extra, LayerKind kind, ref byte next)
        {
            if (!Has(8))
            {
                return false;
            }

            int length = (_data[Offset + 1] + extra) * unit;
            if (!Has(length))
            {
                return false;
            }

            next = _data[Offset];
            return Push(kind, length, _wireEnd - Offset - length);
        }

        private void DecodeProtocol(byte protocol, bool isIpv6)
        {
            switch (protocol)
            {
                case IpProtocol.Tcp:
                    DecodeTcp();
                    break;
                case IpProtocol.Udp:
                    DecodeUdp();
                    break;
                case IpProtocol.Icmp when !isIpv6:
                    DecodeFixed(LayerKind.Icmp, IcmpView.Length);
                    break;
                case IpProtocol.Icmpv6 when isIpv6:
                    DecodeFixed(LayerKind.Icmpv6, Icmpv6View.Length);
                    break;
                case IpProtocol.Ipv4:
                    DecodeIpv4();
                    break;
                case IpProtocol.Ipv6:
                    DecodeIpv6();
                    break;
                default:
                    break;
            }
        }

        private void DecodeTcp()
        {
            if (!Has(TcpView.MinimumLength))
            {
                return;
            }

            int headerLength = (_data[Offset + 12] >> 4) * 4;
            if (headerLength < TcpView.MinimumLength || headerLength > _wireEnd - Offset)
            {
                Fault = PacketFault.BadHeaderLength;
                return;
            }

            if (Has(headerLength))
            {
                Push(LayerKind.Tcp, headerLength, _wireEnd - Offset - headerLength);
            }
        }

        private void DecodeUdp()
        {
            if (!Has(8))
            {
                return;
            }

            // 0 is a jumbogram (RFC 2675).
            int length = ReadU16(4);
            int room = _wireEnd - Offset;
            if (length == 0)
            {
                length = room;
            }

            if (length < 8)
            {
                Fault = PacketFault.BadLength;
                return;
            }

            Push(LayerKind.Udp, 8, Math.Min(length, room) - 8);
        }

        private void DecodeFixed(LayerKind kind, int headerLength)
        {
            if (Has(headerLength))
            {
                Push(kind, headerLength, _wireEnd - Offset - headerLength);
            }
        }
    }
}
