# What Vagrant and its libvirt plugin lack for the rehearsal machine.
require "vagrant-libvirt/driver"

module Kernelswap
  # A machine behind QEMU's own network has no lease that would tell its address: its ports are at ours.
  module BehindOurPorts
    def get_ipaddress(*)
      "127.0.0.1"
    end
  end
  VagrantPlugins::ProviderLibvirt::Driver.prepend(BehindOurPorts)

  # Swaps the machine's kernel to $KERNEL, a release or a role, and prints the report. A shell provisioner would
  # hang on the connection that the jump cuts.
  class Swap < Vagrant.plugin("2", :provisioner)
    PROGRAMS = [File.join(__dir__, "../../dist/kernelswap.js"), "/usr/lib/kernelswap/kernelswap.mjs"].freeze

    class Failed < Vagrant::Errors::VagrantError
      error_message("the swap did not end well; its report or the messages above say why")
    end

    def provision
      @machine.communicate.wait_for_ready(@machine.config.vm.boot_timeout)
      ssh = @machine.ssh_info
      kernel = ENV.fetch("KERNEL", "newest-stable")
      program = PROGRAMS.find { |path| File.exist?(path) } || PROGRAMS.first
      machine = [@machine.box.directory.to_s, ssh[:host], ssh[:port].to_s]
      system("node", program, "swap-machine", "--kernel", kernel, *machine) or raise Failed
    end
  end

  class Plugin < Vagrant.plugin("2")
    name "kernelswap"

    provisioner(:kernelswap_swap) { Swap }
  end
end
