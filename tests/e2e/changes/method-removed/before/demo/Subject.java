package demo;

public class Subject {
    static String run() {
        return "old";
    }

    public void gone(String s, int[] t) {
    }
}
