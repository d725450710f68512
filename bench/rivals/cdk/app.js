// One environment with CDK, as its own constructs make it.
const { App, BootstraplessSynthesizer, Stack, Tags, aws_ec2: ec2 } = require('aws-cdk-lib');

const app = new App();
const hidden = app.node.tryGetContext('private') === 'true';
const stack = new Stack(app, app.node.getContext('name'), {
  synthesizer: new BootstraplessSynthesizer(),
});

const vpc = new ec2.Vpc(stack, 'Vpc', {
  ipAddresses: ec2.IpAddresses.cidr('10.20.0.0/16'),
  availabilityZones: ['eu-west-1a', 'eu-west-1b'],
  natGateways: hidden ? 1 : 0,
  restrictDefaultSecurityGroup: false,
  subnetConfiguration: [
    { name: 'public', subnetType: ec2.SubnetType.PUBLIC, cidrMask: 20 },
    ...(hidden ? [{ name: 'app', subnetType: ec2.SubnetType.PRIVATE_WITH_EGRESS, cidrMask: 20 }] : []),
  ],
});

const web = new ec2.SecurityGroup(stack, 'Web', { vpc, description: 'Web traffic from everywhere' });
for (const port of [80, 443]) {
  web.addIngressRule(ec2.Peer.anyIpv4(), ec2.Port.tcp(port));
}

for (const zone of vpc.availabilityZones) {
  new ec2.Instance(stack, `Web-${zone}`, {
    vpc,
    vpcSubnets: { subnetGroupName: hidden ? 'app' : 'public', availabilityZones: [zone] },
    instanceType: new ec2.InstanceType('t3.micro'),
    machineImage: ec2.MachineImage.genericLinux({ 'eu-west-1': 'ami-760aaa0f' }),
    securityGroup: web,
    blockDevices: [
      { deviceName: '/dev/xvda', volume: ec2.BlockDeviceVolume.ebs(16, { encrypted: true }) },
    ],
  });
}
Tags.of(stack).add('project', 'envwright-bench');
app.synth();
